"""Counts checks that fail, of people and of groups, and makes the next one wait."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import msgspec

from earwitness.control import BeginCheck, CheckBegun, Done, EndCheck
from earwitnessd.profiles.errors import ProfileError
from earwitnessd.profiles.hammering import delay_s, left_s
from earwitnessd.profiles.opening import transaction
from earwitnessd.profiles.people import People
from earwitnessd.trusted_clock import Clock


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is checked."""

    name: str
    group: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """How that went so far, as it is stored."""

    failures: int = 0
    # in a row
    again: float = 0.0
    # Unix seconds: no check before


class Checks:
    """Owned by the engine thread."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._open: dict[str, tuple[Asked, Tally]] = {}
        # those that have begun: of whom, and what was counted before

    def begin(self, method: BeginCheck) -> CheckBegun:
        """Counted as failed beforehand: whoever is killed or cut off in between gets no free try."""
        asked, now_s = Asked(method.name, method.group), self._clock.wall_s()
        before = self._read(asked)
        if wait_s := left_s(before.again, before.failures, now_s):
            return CheckBegun(attempt="", wait_s=wait_s, failures=before.failures)
        failures = before.failures + 1
        self._write(asked, Tally(failures, now_s + delay_s(failures)))
        attempt = uuid.uuid4().hex[:12]
        self._open = {key: value for key, value in self._open.items() if value[0] != asked}
        self._open[attempt] = (asked, before)
        return CheckBegun(attempt=attempt, wait_s=0.0, failures=before.failures)

    def end(self, method: EndCheck) -> Done:
        """A yes forgets the failures, a check in which nothing was decided was none."""
        asked, before = self._open.pop(method.attempt, (Asked(""), Tally()))
        if asked != Asked(method.name, method.group):
            raise ProfileError("not_found", f"no check {method.attempt!r} for {method.name} is under way")
        if method.outcome == "verified":
            self._write(asked, Tally())
        elif method.outcome == "inconclusive":
            self._write(asked, before)
        return Done(message=f"{asked.name}: {self._read(asked).failures} failures in a row")

    def _read(self, asked: Asked) -> Tally:
        """ProfileError where nobody is called so, or the group is empty."""
        if not asked.group:
            kept = self._people.store.profile(asked.name).keeping
            return Tally(kept.failed_checks, kept.check_again)
        database = self._people.store.database
        if not database.execute("SELECT 1 FROM membership WHERE name = ?", (asked.name,)).fetchone():
            raise ProfileError("not_found", f"there is nobody in a group {asked.name!r}")
        row = database.execute(
            "SELECT failed_checks, check_again FROM group_checks WHERE name = ?", (asked.name,)
        ).fetchone()
        return Tally(*row) if row else Tally()

    def _write(self, asked: Asked, tally: Tally) -> None:
        store = self._people.store
        if not asked.group:
            counted = {"failed_checks": tally.failures, "check_again": tally.again}
            store.keep(asked.name, lambda kept: msgspec.structs.replace(kept, **counted))
            return
        with transaction(store.database):
            store.database.execute(
                "INSERT INTO group_checks (name, failed_checks, check_again) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET"
                " failed_checks = excluded.failed_checks, check_again = excluded.check_again",
                (asked.name, tally.failures, tally.again),
            )
