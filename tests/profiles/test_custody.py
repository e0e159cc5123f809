"""Consent, retention, failed checks, and profiles that travel, by a clock that tests can turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from earwitness.control import (
    BeginCheck,
    CheckBegun,
    EndCheck,
    Exported,
    ExportProfile,
    ImportProfile,
    KeepProfile,
    Profile,
    ShowProfile,
)
from earwitness.events import Event, ProfileDeleted, ProfileEnrolled, SpeakerVerified
from earwitnessd.profiles import ProfileError, ProfileStore
from earwitnessd.profiles.custody import Custody
from earwitnessd.profiles.people import People
from earwitnessd.settings.root import Templates
from earwitnessd.trusted_clock import HOUR_S, Clock

from .making import MODEL, OTHER_MODEL, exemplar, voice

DAY_S = 86_400.0
BEGAN_S = 1_800_000_000.0  # 2027-01-15
PASSPHRASE = "correct horse battery"


class Time:
    """Wall and monotonic clock, which go together until somebody sets the wall's."""

    def __init__(self) -> None:
        self.wall_s = BEGAN_S
        self.monotonic_s = 1000.0
        self.synchronised = True

    def pass_(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.wall_s, lambda: self.monotonic_s, lambda: self.synchronised)


@pytest.fixture
def time_() -> Time:
    return Time()


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with closing(People(ProfileStore(tmp_path / "profiles.db"), MODEL, 0.7)) as opened:
        yield opened


def custody(people: People, time_: Time, settings: Templates | None = None) -> Custody:
    return Custody(people, settings or Templates(), time_.clock)


def enrol(people: People, *names: str) -> None:
    for seed, name in enumerate(names):
        people.store.add(name, exemplar(voice(seed)))
    people.reload()


def kept(people: People, of: Custody, name: str) -> Profile:
    answer, _ = people.answer(ShowProfile(name=name))
    shown = of.shown(answer)
    assert isinstance(shown, Profile)
    return shown


def begin(of: Custody, name: str = "anna") -> CheckBegun:
    answer, _ = of.answer(BeginCheck(name=name), b"", "")
    assert isinstance(answer, CheckBegun)
    return answer


def fail(of: Custody, name: str = "anna") -> None:
    of.answer(EndCheck(name=name, attempt=begin(of, name).attempt, outcome="other"), b"", "")


def deleted(events: list[Event]) -> list[tuple[str, str]]:
    assert all(isinstance(event, ProfileDeleted) for event in events)
    return [(event.speaker, event.reason) for event in events if isinstance(event, ProfileDeleted)]


def verified(name: str) -> SpeakerVerified:
    return SpeakerVerified(
        stream="desk",
        stream_id="desk-1",
        start=0,
        stop=48_000,
        speaker=name,
        score=0.9,
        threshold=0.7,
        runner_up=None,
        margin=None,
        evidence_s=3.0,
        since=0,
        ttl_s=6.0,
    )


def refusal(of: Custody, method: ExportProfile | ImportProfile, attachment: bytes = b"") -> str:
    with pytest.raises(ProfileError) as refused:
        of.answer(method, attachment, "")
    return str(refused.value)


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


def test_five_failures_are_free_then_each_costs_twice_as_long(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    enrol(people, "anna", "ben")
    for _ in range(5):
        assert begin_wait(terms) == 0.0
    waits = []
    for _ in range(9):
        waits.append(begin(terms).wait_s)
        time_.pass_(waits[-1])
        fail(terms)
    assert waits == [30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0]
    assert begin(terms, "ben").wait_s == 0.0  # each profile by itself


def begin_wait(terms: Custody) -> float:
    """One failed check; how long it had to wait."""
    begun = begin(terms)
    terms.answer(EndCheck(name="anna", attempt=begun.attempt, outcome="other"), b"", "")
    return begun.wait_s


def test_failures_outlast_a_restart_and_success_forgets_them(
    people: People, time_: Time, tmp_path: Path
) -> None:
    terms = custody(people, time_)
    enrol(people, "anna")
    for _ in range(5):
        fail(terms)
    with closing(People(ProfileStore(tmp_path / "profiles.db"), MODEL, 0.7)) as restarted:
        terms = custody(restarted, time_)
        shown = kept(restarted, terms, "anna").custody
        assert (shown.failed_checks, shown.wait_s) == (5, 30.0)
        assert begin(terms).attempt == ""
        time_.pass_(30.0)
        begun = begin(terms)
        terms.answer(EndCheck(name="anna", attempt=begun.attempt, outcome="verified"), b"", "")
        assert kept(restarted, terms, "anna").custody.failed_checks == 0


def test_a_check_that_is_broken_off_has_failed_and_an_inconclusive_one_has_not(
    people: People, time_: Time
) -> None:
    terms = custody(people, time_)
    enrol(people, "anna")
    begin(terms)
    assert kept(people, terms, "anna").custody.failed_checks == 1
    begun = begin(terms)
    terms.answer(EndCheck(name="anna", attempt=begun.attempt, outcome="inconclusive"), b"", "")
    assert kept(people, terms, "anna").custody.failed_checks == 1


def test_checks_of_a_group_are_counted_apart_from_its_members_and_survive_a_restart(
    people: People, time_: Time
) -> None:
    enrol(people, "anna")
    people.store.join("anna", "staff")
    for _ in range(5):
        terms = custody(people, time_)
        begun, _events = terms.answer(BeginCheck(name="staff", group=True), b"", "")
        assert isinstance(begun, CheckBegun)
        end = EndCheck(name="staff", group=True, attempt=begun.attempt, outcome="other")
        terms.answer(end, b"", "")
    begun, _events = custody(people, time_).answer(BeginCheck(name="staff", group=True), b"", "")
    assert isinstance(begun, CheckBegun)
    assert (begun.wait_s, begun.failures) == (30.0, 5)
    assert begin(custody(people, time_)).wait_s == 0.0
    with pytest.raises(ProfileError, match="nobody in a group 'crowd'"):
        terms.answer(BeginCheck(name="crowd", group=True), b"", "")
    time_.pass_(30.0)
    begun, _events = terms.answer(BeginCheck(name="staff", group=True), b"", "")
    assert isinstance(begun, CheckBegun)
    with pytest.raises(ProfileError, match="no check"):  # a person who is called like the group is another
        terms.answer(EndCheck(name="staff", attempt=begun.attempt, outcome="verified"), b"", "")


def test_an_attempt_ends_once_and_for_its_own_person(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    enrol(people, "anna", "ben")
    attempt = begin(terms).attempt
    for name, guessed in (("ben", attempt), ("anna", attempt), ("anna", "")):
        with pytest.raises(ProfileError, match="no check"):
            terms.answer(EndCheck(name=name, attempt=guessed, outcome="verified"), b"", "")
    assert kept(people, terms, "anna").custody.failed_checks == 1


def test_a_clock_set_back_lets_nobody_wait_longer_than_the_delay(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    enrol(people, "anna")
    for _ in range(5):
        fail(terms)
    time_.wall_s -= 3650 * DAY_S
    assert begin(terms).wait_s == 30.0


def test_a_profile_travels_to_another_machine_with_its_key_and_is_compared_there(
    people: People, time_: Time, tmp_path: Path
) -> None:
    here = custody(people, time_)
    turn = people.store.turning(MODEL).turn
    people.store.add("anna", exemplar(turn(voice(1)), label="headset"))
    people.store.add("anna", exemplar(turn(voice(2)), label="phone"))
    here.answer(KeepProfile(name="anna", consent="form 1", keep_until="2030-01-01"), b"", "uid 5")
    exported, _ = here.answer(ExportProfile(name="anna", passphrase=PASSPHRASE), b"", "")
    assert isinstance(exported, Exported)
    for vector in (voice(1), turn(voice(1))):
        assert vector.tobytes() not in exported.content
    assert b"anna" not in exported.content
    with closing(People(ProfileStore(tmp_path / "other" / "profiles.db"), MODEL, 0.7)) as there:
        terms = custody(there, time_)
        _, (event,) = terms.answer(ImportProfile(passphrase=PASSPHRASE), exported.content, "")
        assert isinstance(event, ProfileEnrolled)
        assert (event.speaker, event.exemplars) == ("anna", 2)
        shown = kept(there, terms, "anna")
        assert [each.label for each in shown.exemplars] == ["headset", "phone"]
        assert shown.custody.consent is not None
        assert (shown.custody.consent.text, shown.custody.keep_until) == ("form 1", "2030-01-01")
        theirs = there.store.turning(MODEL).turn
        stored = there.store.profile("anna").exemplars[0].vector
        np.testing.assert_allclose(stored, theirs(voice(1)), atol=1e-5)
        (score,) = there.matrix.scores(theirs(voice(2)))
        assert score.cosine == pytest.approx(1.0, abs=1e-5)
        again = ImportProfile(passphrase=PASSPHRASE)
        assert "already enrolled" in refusal(terms, again, exported.content)
        terms.answer(ImportProfile(passphrase=PASSPHRASE, name="anna2"), exported.content, "")
        assert there.matrix.names == ("anna", "anna2")


def test_an_export_opens_for_its_passphrase_and_unchanged_only(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    enrol(people, "anna")
    exported, _ = terms.answer(ExportProfile(name="anna", passphrase=PASSPHRASE), b"", "")
    assert isinstance(exported, Exported)
    wrong = ImportProfile(passphrase=PASSPHRASE + "!", name="eve")
    assert "does not open" in refusal(terms, wrong, exported.content)
    right = ImportProfile(passphrase=PASSPHRASE, name="eve")
    changed = exported.content.replace(b'"n": 32768', b'"n": 16384')
    assert changed != exported.content
    assert "does not open" in refusal(terms, right, changed)
    greedy = exported.content.replace(b'"n": 32768', b'"n": 1073741824')
    assert "refused" in refusal(terms, right, greedy)
    assert "no exported profile" in refusal(terms, right, b"hello")
    assert "at least 12" in refusal(terms, ExportProfile(name="anna", passphrase="short"))
    assert people.matrix.names == ("anna",)


def test_a_profile_of_another_model_is_refused_with_both_names(
    people: People, time_: Time, tmp_path: Path
) -> None:
    people.store.add("anna", exemplar(voice(1), OTHER_MODEL))
    here = custody(people, time_)
    exported, _ = here.answer(ExportProfile(name="anna", passphrase=PASSPHRASE), b"", "")
    assert isinstance(exported, Exported)
    with closing(People(ProfileStore(tmp_path / "other.db"), MODEL, 0.7)) as there:
        said = refusal(custody(there, time_), ImportProfile(passphrase=PASSPHRASE), exported.content)
        assert OTHER_MODEL in said
        assert MODEL in said
        assert there.store.profiles() == ()


def test_no_template_leaves_where_that_is_forbidden(people: People, time_: Time) -> None:
    terms = custody(people, time_, Templates(allow_export=False))
    enrol(people, "anna")
    assert "allow_export" in refusal(terms, ExportProfile(name="anna", passphrase=PASSPHRASE))


def test_templates_that_are_not_as_long_as_the_models_are_refused(
    people: People, time_: Time, tmp_path: Path
) -> None:
    people.store.add("anna", exemplar(voice(1, dimension=8)))
    exported, _ = custody(people, time_).answer(ExportProfile(name="anna", passphrase=PASSPHRASE), b"", "")
    assert isinstance(exported, Exported)
    with closing(People(ProfileStore(tmp_path / "other.db"), MODEL, 0.7)) as there:
        enrol(there, "ben")
        said = refusal(custody(there, time_), ImportProfile(passphrase=PASSPHRASE), exported.content)
        assert "have 8 values" in said
        assert "have 16" in said
        assert [profile.name for profile in there.store.profiles()] == ["ben"]
