"""Takes people out of the database, in the order of their last change, for daemons that follow this one."""

from __future__ import annotations

import logging
import sqlite3
from collections import defaultdict
from dataclasses import dataclass

import msgspec
import numpy as np

from earwitnessd.decision.roster import OwnPoint
from earwitnessd.profiles import belonging
from earwitnessd.profiles.carrying import Session
from earwitnessd.profiles.exemplars import COLUMNS
from earwitnessd.profiles.keeping import Consent, keeping_of
from earwitnessd.profiles.ledger import Standing, mark_of, standing
from earwitnessd.profiles.opening import reading
from earwitnessd.score import Vector
from earwitnessd.templates.errors import SealError
from earwitnessd.templates.vault import Place, Vault

log = logging.getLogger(__name__)

TOLD = ", ".join(f"exemplar.{column}" for column in COLUMNS.split(", "))
MOST_PEOPLE = 250  # in a page
MOST_SESSIONS = 1000  # or a few more: nobody is divided


class Shared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person. Never written anywhere but encrypted."""

    uid: str
    # stays when the name changes
    name: str
    created: str
    consent: Consent | None
    keep_until: str | None
    groups: tuple[str, ...]
    own: tuple[float | None, float | None, float | None]
    # target_fmr, target_fnmr, prior
    sessions: tuple[Session, ...]


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changed within a stretch of the history."""

    people: tuple[Shared, ...] = ()
    # as they are now
    gone: tuple[str, ...] = ()
    # uids of people who were deleted


@dataclass(frozen=True, slots=True)
class Stretch:
    """A page, and how far it reaches."""

    page: Page
    reaches: Standing
    newest: int
    # the version that the database has come to

    @property
    def more(self) -> bool:
        """Whether another page is to follow."""
        return self.reaches.version < self.newest


def read_page(database: sqlite3.Connection, vault: Vault, after: int) -> Stretch:
    """The people who changed after this version, the earliest first, and who is gone since."""
    with reading(database):
        now = standing(database)
        rows = database.execute(
            "SELECT id, uid, name, created, changed,"
            " (SELECT count(*) FROM exemplar WHERE exemplar.person = person.id)"
            " FROM person WHERE changed > ? ORDER BY changed LIMIT ?",
            (after, MOST_PEOPLE + 1),
        ).fetchall()
        taken = _as_many_as_fit([sessions for *_, sessions in rows])
        upto = now.version if taken == len(rows) else int(rows[taken - 1][4])
        people = [(key, uid, name, created) for key, uid, name, created, _, _ in rows[:taken]]
        sessions = _sessions(database, vault, after, upto)
        page = Page(
            people=tuple(_shared(database, *person, sessions) for person in people),
            gone=_gone(database, after, upto),
        )
        reaches = Standing(now.lineage, upto, mark_of(database, upto) or "")
    return Stretch(page, reaches, now.version)


def _as_many_as_fit(sessions: list[int]) -> int:
    total = 0
    for taken, count in enumerate(sessions[:MOST_PEOPLE]):
        if taken and total + count > MOST_SESSIONS:
            return taken
        total += count
    return min(len(sessions), MOST_PEOPLE)


def _gone(database: sqlite3.Connection, after: int, upto: int) -> tuple[str, ...]:
    rows = database.execute(
        "SELECT gone FROM change WHERE version > ? AND version <= ? AND gone IS NOT NULL ORDER BY version",
        (after, upto),
    )
    return tuple(str(uid) for (uid,) in rows)


def _shared(
    database: sqlite3.Connection,
    key: int,
    uid: str,
    name: str,
    created: str,
    sessions: dict[int, list[Session]],
) -> Shared:
    kept = keeping_of(database, key)
    own: OwnPoint = belonging.own_point(database, key)
    return Shared(
        uid=uid,
        name=name,
        created=created,
        consent=kept.consent,
        keep_until=kept.keep_until,
        groups=belonging.groups_of(database, key),
        own=(own.target_fmr, own.target_fnmr, own.prior),
        sessions=tuple(sessions.get(key, ())),
    )


def _sessions(database: sqlite3.Connection, vault: Vault, after: int, upto: int) -> dict[int, list[Session]]:
    """By person. What does not open is left out: it is compared with nobody here either."""
    rows = database.execute(
        f"SELECT exemplar.id, person.id, person.name, model_id, vector, {TOLD}"  # noqa: S608 - ours
        " FROM exemplar JOIN person ON person.id = exemplar.person"
        " WHERE person.changed > ? AND person.changed <= ? ORDER BY exemplar.id",
        (after, upto),
    ).fetchall()
    turned = []
    for row, person, name, model_id, sealed, *rest in rows:
        try:
            turned.append((person, model_id, vault.open(sealed, Place(row, person, name, model_id)), rest))
        except SealError as error:
            log.error("%s: it is not shared", error)
    plain = _plain(vault, [(model_id, vector) for _, model_id, vector, _ in turned])
    found: dict[int, list[Session]] = defaultdict(list)
    for (person, model_id, _, rest), vector in zip(turned, plain, strict=True):
        fields = dict(zip(COLUMNS.split(", "), rest, strict=True))
        found[person].append(Session(model_id=model_id, vector=vector, **fields))
    return found


def _plain(vault: Vault, turned: list[tuple[str, Vector]]) -> list[bytes]:
    """All of one model at once: turning one by one takes ten times as long."""
    alike: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, (model_id, vector) in enumerate(turned):
        alike[model_id, len(vector)].append(number)
    plain = [b""] * len(turned)
    for (model_id, dimension), numbers in alike.items():
        stacked = np.stack([turned[number][1] for number in numbers])
        for number, vector in zip(numbers, vault.rotation(model_id, dimension).back(stacked), strict=True):
            plain[number] = vector.astype("<f4").tobytes()
    return plain
