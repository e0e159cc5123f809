"""A person with all sessions as one value, to leave this machine's database or to enter another's."""

from __future__ import annotations

import math
import sqlite3

import msgspec
import numpy as np

from earwitnessd.profiles.errors import ProfileError
from earwitnessd.profiles.exemplars import COLUMNS, NewRow, insert, opened_or_refused
from earwitnessd.profiles.keeping import Consent
from earwitnessd.templates.vault import Place, Vault

UNIT_WITHIN = 1e-3


class Session(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One enrolment session, or another model's template of one."""

    model_id: str
    vector: bytes
    # little-endian float32, plain: the other machine turns and seals it by its own key
    created: str
    label: str
    source: str
    speech_s: float
    windows: int
    consistency: float | None
    snr_db: float | None
    circumstances: str
    of: int | None = None
    # which of the sessions it is another model's template of, from 0; None: it is a session's first


class Carried(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person. Never written anywhere but encrypted."""

    name: str
    created: str
    consent: Consent | None
    keep_until: str | None
    sessions: tuple[Session, ...]


def take_out(
    database: sqlite3.Connection,
    vault: Vault,
    person: int,
    name: str,
    kept: tuple[str, Consent | None, str | None],
) -> Carried:
    """A copy; ProfileError if a session does not open."""
    rows = database.execute(
        f"SELECT id, of_session, model_id, vector, {COLUMNS} FROM exemplar WHERE person = ? ORDER BY id",  # noqa: S608 - ours
        (person,),
    ).fetchall()
    sessions: list[Session] = []
    places = {row: place for place, (row, *_) in enumerate(rows)}
    for row, of_session, model_id, sealed, *rest in rows:
        turned = opened_or_refused(vault, sealed, Place(row, person, name, model_id))
        plain = vault.rotation(model_id, len(turned)).back(turned)
        fields = dict(zip(COLUMNS.split(", "), rest, strict=True))
        of = places.get(of_session)
        sessions.append(Session(model_id=model_id, vector=plain.astype("<f4").tobytes(), of=of, **fields))
    created, consent, keep_until = kept
    return Carried(
        name=name, created=created, consent=consent, keep_until=keep_until, sessions=tuple(sessions)
    )


def bring_in(database: sqlite3.Connection, vault: Vault, person: int, name: str, carried: Carried) -> None:
    """Turn and seal the sessions for a new row of `person`; within a transaction of the caller's."""
    rows: list[int] = []
    for session in carried.sessions:
        if session.of is not None and not 0 <= session.of < len(rows):
            raise ProfileError("refused", "a template in it is of no session before it: the file is not ours")
        plain = np.frombuffer(session.vector, dtype="<f4").astype(np.float32)
        if not len(plain) or not math.isclose(float(np.linalg.norm(plain)), 1.0, abs_tol=UNIT_WITHIN):
            raise ProfileError("refused", "a template in it is not of unit length: the file is not ours")
        new = NewRow(
            person=person,
            name=name,
            model_id=session.model_id,
            turned=vault.rotation(session.model_id, len(plain)).turn(plain),
            about=tuple(getattr(session, column) for column in COLUMNS.split(", ")),
            of_session=None if session.of is None else rows[session.of],
        )
        rows.append(insert(database, vault, new))
