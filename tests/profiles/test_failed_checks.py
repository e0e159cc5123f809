"""Failed checks are counted, and make the next one wait."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from earwitness.control import (
    BeginCheck,
    CheckBegun,
    EndCheck,
)
from earwitnessd.profiles import ProfileError, ProfileStore
from earwitnessd.profiles.custody import Custody
from earwitnessd.profiles.people import People

from .custodian import DAY_S, Time, begin, custody, enrol, fail, kept
from .making import MODEL


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
