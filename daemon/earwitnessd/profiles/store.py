"""Keeps people and their sealed templates in one SQLite file that survives a power cut."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from earwitnessd.decision.roster import OwnPoint
from earwitnessd.profiles import belonging
from earwitnessd.profiles.carrying import Carried, bring_in, take_out
from earwitnessd.profiles.errors import ProfileError, StoreError
from earwitnessd.profiles.everybody import PersonRows, rows_of, rows_of_everybody, terms_of_everybody
from earwitnessd.profiles.exemplars import NewRow, about, insert, readable, root_of, seal_for, sessions_of
from earwitnessd.profiles.keeping import Keeping, keep, keeping_of
from earwitnessd.profiles.listing import Listed, listed, listed_of
from earwitnessd.profiles.opening import advice, hold, opened, prepare_file, reading, transaction, wipe
from earwitnessd.profiles.recordings import keep_audio
from earwitnessd.profiles.sealing import unlock
from earwitnessd.profiles.stored import NewExemplar, StoredProfile
from earwitnessd.templates.key_file import KeyPlace
from earwitnessd.templates.vault import Turning, Vault

log = logging.getLogger(__name__)

BUSY_S = 2.0  # waiting for another program that writes
DATE = 10  # characters of an RFC 3339 time


class ProfileStore:
    """Owned by the engine thread. Every change is one transaction, on disk when the call returns."""

    def __init__(self, file: Path, busy_s: float = BUSY_S, key: KeyPlace | None = None) -> None:
        self.file = file
        self._unreadable: dict[str, list[str]] = {}
        # by person
        prepare_file(file)
        with ExitStack() as stack:
            stack.callback(os.close, hold(file, alone=False))
            try:
                self._database = opened(file, busy_s)
                stack.callback(self._database.close)
                self._vault = unlock(self._database, file, key or KeyPlace.find("auto", file))
                wipe(self._database)  # of a deletion that was killed before it could
            except sqlite3.DatabaseError as error:
                raise StoreError(f"profiles {file}: {error}. {advice(error)}") from error
            self._resources = stack.pop_all()

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Sessions that did not open when their person was last read: what is wrong with each."""
        return tuple(problem for problems in self._unreadable.values() for problem in problems)

    @property
    def key_id(self) -> str:
        """Of the key that the templates are sealed with."""
        return self._vault.key_id

    @property
    def database(self) -> sqlite3.Connection:
        """For the modules beside this one, in the thread that opened it."""
        return self._database

    @property
    def vault(self) -> Vault:
        """What the templates are turned and sealed by."""
        return self._vault

    def turning(self, model_id: str) -> Turning:
        """How embeddings of this model are turned before they are compared or stored."""
        return Turning(self._vault, model_id)

    def close(self) -> None:
        """Fold the write-ahead log into the file."""
        self._resources.close()

    def profiles(self) -> tuple[StoredProfile, ...]:
        """Everybody, by name."""
        return tuple(self.everybody())

    def everybody(self) -> Iterator[StoredProfile]:
        """The same one after the other, for there may be a crowd; to be taken to the end at once."""
        before, self._unreadable = self._unreadable, {}
        with reading(self._database):
            for person in rows_of_everybody(self._database):
                yield self._profile(person)
        for name, problems in self._unreadable.items():
            for problem in problems:
                if problem not in before.get(name, ()):
                    log.error("profiles %s: %s. It is not compared with anybody", self.file, problem)

    def listed(self, model_id: str) -> list[Listed]:
        """Everybody in a few words; only of those with a template that did not open are templates opened."""
        with reading(self._database):
            everyone = listed(self._database, model_id)
        looked_at = {name: self.somebody(name) for name in list(self._unreadable)}
        return [
            listed_of(person, model_id) if (person := looked_at.get(each.name)) else each for each in everyone
        ]

    def terms(self) -> list[tuple[str, str, Keeping]]:
        """Of everybody: name, when first enrolled, on what terms they are kept."""
        return list(terms_of_everybody(self._database))

    def somebody(self, name: str) -> StoredProfile | None:
        """One person; None if not enrolled."""
        self._unreadable.pop(name, None)
        with reading(self._database):
            row = self._database.execute("SELECT id FROM person WHERE name = ?", (name,)).fetchone()
            return self._profile(rows_of(self._database, int(row[0]))) if row else None

    def profile(self, name: str) -> StoredProfile:
        """One person; ProfileError if not enrolled."""
        person = self.somebody(name)
        if person is None:
            raise unknown(name)
        return person

    def add(self, name: str, exemplar: NewExemplar) -> int:
        """Add an exemplar, and the person where new; how many sessions there are now."""
        now = _now()
        with transaction(self._database):
            self._database.execute(
                "INSERT INTO person (name, created, last_heard) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO NOTHING",
                (name, now, now[:DATE]),
            )
            key, _ = self._person(name)
            row = self._insert(key, name, exemplar, now)
            if exemplar.audio:
                keep_audio(self._database, self._vault, row, key, exemplar.audio)
            return len(sessions_of(self._database, key))

    def add_template(self, name: str, session: int, exemplar: NewExemplar) -> None:
        """Another model's template of a session; ProfileError if that is gone meanwhile."""
        with transaction(self._database):
            key, _ = self._person(name)
            if session not in sessions_of(self._database, key):
                raise ProfileError("not_found", f"{name} has no session {session} any more")
            self._insert(key, name, exemplar, _now(), session)

    def delete(self, name: str) -> None:
        """Forget a person and all exemplars: nothing of them is in the files when this returns."""
        with transaction(self._database):
            key, _ = self._person(name)
            self._database.execute("DELETE FROM person WHERE id = ?", (key,))
        wipe(self._database)

    def remove(self, name: str, session: int) -> int:
        """Forget one session of a person; how many are left, at least one."""
        with transaction(self._database):
            key, _ = self._person(name)
            sessions = sessions_of(self._database, key)
            session = root_of(self._database, session)
            if session not in sessions:
                known = ", ".join(map(str, sessions))
                raise ProfileError("not_found", f"{name} has no session {session}; there are: {known}")
            if len(sessions) == 1:
                raise ProfileError(
                    "refused",
                    f"{session} is the only session of {name}: delete the profile, or enrol another",
                )
            self._database.execute("DELETE FROM exemplar WHERE id = ?", (session,))
        wipe(self._database)
        return len(sessions) - 1

    def rename(self, name: str, new_name: str) -> int:
        """Give a person another name; how many exemplars they have."""
        with transaction(self._database):
            key, _ = self._person(name)
            try:
                self._database.execute("UPDATE person SET name = ? WHERE id = ?", (new_name, key))
            except sqlite3.IntegrityError:
                raise ProfileError("conflict", f"{new_name!r} is already enrolled") from None
            seal_for(self._database, self._vault, key, name, new_name)
        return len(sessions_of(self._database, key))

    def set_point(self, name: str, point: OwnPoint) -> None:
        """Decide about this person by another operating point than the settings'."""
        with transaction(self._database):
            key, _ = self._person(name)
            belonging.set_own_point(self._database, key, point)

    def keep(self, name: str, change: Callable[[Keeping], Keeping]) -> Keeping:
        """Change on what terms a person is kept; what holds then."""
        with transaction(self._database):
            key, _ = self._person(name)
            kept = change(keeping_of(self._database, key))
            keep(self._database, key, kept)
        return kept

    def take_out(self, name: str) -> Carried:
        """A copy of a person with plain templates, to be encrypted at once."""
        key, created = self._person(name)
        kept = keeping_of(self._database, key)
        return take_out(self._database, self._vault, key, name, (created, kept.consent, kept.keep_until))

    def bring_in(self, carried: Carried, name: str) -> None:
        """Enrol a person that was taken out of another database, under this name."""
        with transaction(self._database):
            try:
                self._database.execute(
                    "INSERT INTO person (name, created, last_heard) VALUES (?, ?, ?)",
                    (name, carried.created, _now()[:DATE]),
                )
                key, _ = self._person(name)
                keep_ = Keeping(
                    consent=carried.consent, keep_until=carried.keep_until, last_heard=_now()[:DATE]
                )
                keep(self._database, key, keep_)
                bring_in(self._database, self._vault, key, name, carried)
            except sqlite3.IntegrityError:
                raise ProfileError(
                    "conflict",
                    f"{name!r} is already enrolled: delete or rename that one, or give another name",
                ) from None

    def join(self, name: str, group: str) -> bool:
        """Make a person one of a group; whether that is new."""
        with transaction(self._database):
            key, _ = self._person(name)
            return belonging.join(self._database, key, group)

    def leave(self, name: str, group: str) -> bool:
        """Take a person out of a group; whether they were in it."""
        with transaction(self._database):
            key, _ = self._person(name)
            return belonging.leave(self._database, key, group)

    def _profile(self, rows: PersonRows) -> StoredProfile:
        """With the sessions that open; what is wrong with the others is noted."""
        problems: list[str] = []
        exemplars = tuple(readable(self._vault, rows, problems))
        if problems:
            self._unreadable[rows.name] = problems
        return StoredProfile(rows.name, rows.created, exemplars, rows.groups, rows.own, rows.keeping)

    def _insert(
        self, person: int, name: str, exemplar: NewExemplar, now: str, of_session: int | None = None
    ) -> int:
        new = NewRow(
            person=person,
            name=name,
            model_id=exemplar.model_id,
            turned=exemplar.vector,
            about=about(exemplar, now),
            of_session=of_session,
        )
        return insert(self._database, self._vault, new)

    def _person(self, name: str) -> tuple[int, str]:
        row = self._database.execute("SELECT id, created FROM person WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise unknown(name)
        return int(row[0]), str(row[1])


def unknown(name: str) -> ProfileError:
    """Nobody is called so."""
    return ProfileError("not_found", f"nobody called {name!r} is enrolled")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
