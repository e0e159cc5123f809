"""Consent, and how long people are kept."""

from __future__ import annotations

import pytest

from earwitness.control import (
    KeepProfile,
)
from earwitness.events import ProfileEnrolled
from earwitnessd.profiles import ProfileError
from earwitnessd.profiles.people import People
from earwitnessd.settings.root import Templates
from earwitnessd.trusted_clock import HOUR_S

from .custodian import DAY_S, Time, custody, deleted, enrol, kept, verified


def test_consent_is_recorded_with_who_when_and_what(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    terms.before_enrolment("anna", "form 12 of 2027", "uid 1000, gid 1000, process 7")
    assert kept_by_none(people)
    enrol(people, "anna")
    terms.on_events([ProfileEnrolled(speaker="anna", exemplars=1, speech_s=9.0)])
    consent = kept(people, terms, "anna").custody.consent
    assert consent is not None
    assert (consent.text, consent.by) == ("form 12 of 2027", "uid 1000, gid 1000, process 7")
    assert consent.at == "2027-01-15T08:00:00Z"


def kept_by_none(people: People) -> bool:
    return people.store.profiles() == ()


def test_consent_that_was_given_for_an_enrolment_that_failed_is_not_taken_for_the_next(
    people: People, time_: Time
) -> None:
    terms = custody(people, time_)
    terms.before_enrolment("anna", "yes", "")
    terms.before_enrolment("anna", None, "")
    enrol(people, "anna")
    terms.on_events([ProfileEnrolled(speaker="anna", exemplars=1, speech_s=9.0)])
    assert kept(people, terms, "anna").custody.consent is None


def test_where_consent_is_required_nobody_is_enrolled_or_compared_without(
    people: People, time_: Time
) -> None:
    terms = custody(people, time_, Templates(require_consent=True))
    with pytest.raises(ProfileError, match="earwitness enroll anna --consent TEXT"):
        terms.before_enrolment("anna", None, "")
    enrol(people, "anna", "ben")
    people.require_consent = True
    people.reload()
    assert not compared(people)
    terms.answer(KeepProfile(name="anna", consent="by letter"), b"", "uid 0")
    assert compared(people) == ["anna"]
    terms.before_enrolment("anna", None, "")  # recorded already


def compared(people: People) -> list[str]:
    return list(people.matrix.names)


def test_people_are_deleted_from_the_day_on_that_was_set(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    enrol(people, "anna", "ben")
    terms.answer(KeepProfile(name="anna", keep_until="2027-01-17"), b"", "")
    assert kept(people, terms, "anna").custody.keep_until == "2027-01-17"
    assert deleted(terms.expire()) == []
    time_.pass_(DAY_S)
    assert deleted(terms.expire()) == []
    time_.pass_(DAY_S)
    assert deleted(terms.expire()) == [("anna", "keep_until")]
    assert people.matrix.names == ("ben",)


def test_an_end_can_be_taken_back_and_nonsense_is_no_date(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    enrol(people, "anna")
    terms.answer(KeepProfile(name="anna", keep_until="2027-01-16"), b"", "")
    terms.answer(KeepProfile(name="anna", keep_until=""), b"", "")
    time_.pass_(900 * DAY_S)
    assert deleted(terms.expire()) == []
    with pytest.raises(ProfileError, match="is no date"):
        terms.answer(KeepProfile(name="anna", keep_until="2027-02-30"), b"", "")


def test_whoever_is_not_heard_for_long_enough_is_forgotten(people: People, time_: Time) -> None:
    terms = custody(people, time_, Templates(forget_after_days_unheard=30.0))
    enrol(people, "anna", "ben")
    terms.on_events([verified("anna"), verified("ben")])
    time_.pass_(20 * DAY_S)
    terms.on_events([verified("anna")])
    assert deleted(terms.expire()) == []
    time_.pass_(12 * DAY_S)
    assert deleted(terms.expire()) == [("ben", "unheard")]
    assert kept(people, terms, "anna").custody.last_heard == "2027-02-04"


def test_that_somebody_was_heard_is_stored_once_a_day(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    enrol(people, "anna")
    terms.on_events([verified("anna")])
    people.store.keep("anna", lambda before: type(before)(last_heard="looked at"))
    for _ in range(5):
        terms.on_events([verified("anna")])
    assert kept(people, terms, "anna").custody.last_heard == "looked at"


def test_people_are_deleted_so_long_after_they_were_enrolled(people: People, time_: Time) -> None:
    terms = custody(people, time_, Templates(keep_days=365.0))
    enrol(people, "anna")  # now, by the real clock: the test's is later or earlier by less than a year
    assert deleted(terms.expire()) == []
    time_.pass_(800 * DAY_S)
    assert deleted(terms.expire()) == [("anna", "keep_days")]


@pytest.mark.parametrize("jump_s", [3650 * DAY_S, -3650 * DAY_S, 2 * 3600.0])
def test_a_clock_that_was_set_deletes_nobody_before_a_day_has_passed(
    people: People, time_: Time, jump_s: float
) -> None:
    terms = custody(people, time_)
    enrol(people, "anna")
    terms.answer(KeepProfile(name="anna", keep_until="2027-02-01"), b"", "")
    assert terms.expire() == []
    time_.pass_(DAY_S)
    time_.wall_s += jump_s
    assert terms.expire() == []
    time_.wall_s -= jump_s  # somebody puts it right
    time_.pass_(DAY_S)
    assert terms.expire() == []
    time_.pass_(DAY_S)
    assert terms.expire() == []
    assert people.matrix.names == ("anna",)


def test_a_clock_that_stays_set_is_believed_after_a_day(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    enrol(people, "anna")
    terms.answer(KeepProfile(name="anna", keep_until="2027-02-01"), b"", "")
    terms.expire()
    time_.pass_(DAY_S)
    time_.wall_s += 3650 * DAY_S
    assert terms.expire() == []
    time_.pass_(DAY_S)
    assert deleted(terms.expire()) == [("anna", "keep_until")]


def test_a_machine_that_boots_with_a_date_far_ahead_deletes_nobody_for_a_day(
    people: People, time_: Time, caplog: pytest.LogCaptureFixture
) -> None:
    enrol(people, "anna")
    custody(people, time_).answer(KeepProfile(name="anna", keep_until="2027-02-01"), b"", "")
    custody(people, time_).on_events([verified("anna")])
    time_.synchronised = False
    time_.wall_s += 3650 * DAY_S
    booted = custody(people, time_)
    assert booted.expire() == []
    booted.on_events([verified("anna")])
    assert kept(people, booted, "anna").custody.last_heard == "2027-01-15"  # not by such a date
    time_.pass_(DAY_S / 2)
    assert booted.expire() == []
    assert "by which 1 people were kept long enough" in caplog.text
    assert caplog.text.count("nobody is deleted") == 1
    time_.pass_(DAY_S / 2)
    assert deleted(booted.expire()) == [("anna", "keep_until")]


def test_a_doubtful_date_is_believed_once_it_is_synchronised_but_not_if_it_was_set(
    people: People, time_: Time
) -> None:
    enrol(people, "anna", "ben")
    terms = custody(people, time_)
    terms.answer(KeepProfile(name="anna", keep_until="2027-02-01"), b"", "")
    terms.on_events([verified("anna")])
    time_.synchronised = False
    time_.pass_(60 * DAY_S)  # it was off for so long
    booted, set_right = custody(people, time_), custody(people, time_)
    assert booted.expire() == set_right.expire() == []
    time_.synchronised = True
    time_.pass_(HOUR_S)
    assert deleted(booted.expire()) == [("anna", "keep_until")]
    time_.wall_s += 2 * DAY_S
    assert set_right.expire() == []
    time_.pass_(HOUR_S)
    assert set_right.expire() == []


def test_a_machine_without_a_network_that_is_started_anew_goes_on_deleting(
    people: People, time_: Time
) -> None:
    enrol(people, "anna")
    custody(people, time_).answer(KeepProfile(name="anna", keep_until="2027-01-16"), b"", "")
    custody(people, time_).on_events([verified("anna")])
    time_.synchronised = False
    time_.pass_(1.5 * DAY_S)
    assert deleted(custody(people, time_).expire()) == [("anna", "keep_until")]
