"""Everybody in a few words each, without opening a template: counted in the database, be it a crowd."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from earwitnessd.profiles.stored import StoredProfile

COUNTED = """
SELECT person.id, person.name, person.created,
       count(DISTINCT coalesce(exemplar.of_session, exemplar.id)),
       coalesce(sum(exemplar.model_id = ?), 0),
       coalesce(sum(CASE WHEN exemplar.of_session IS NULL THEN exemplar.speech_s END), 0.0)
FROM person LEFT JOIN exemplar ON exemplar.person = person.id
GROUP BY person.id ORDER BY person.name
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """One person."""

    name: str
    created: str
    sessions: int
    usable: int
    # templates of the model in use
    speech_s: float
    groups: tuple[str, ...] = ()
    # by name


def listed(database: sqlite3.Connection, model_id: str) -> list[Listed]:
    """By name; templates that do not open count, too."""
    memberships = database.execute("SELECT person, name FROM membership ORDER BY person, name").fetchall()
    groups = {
        person: tuple(name for _, name in each) for person, each in groupby(memberships, key=itemgetter(0))
    }
    return [
        Listed(name, created, sessions, usable, speech_s, groups.get(key, ()))
        for key, name, created, sessions, usable, speech_s in database.execute(COUNTED, (model_id,))
    ]


def listed_of(person: StoredProfile, model_id: str) -> Listed:
    """Of one whose templates were opened: those that did not open do not count."""
    return Listed(
        name=person.name,
        created=person.created,
        sessions=person.sessions,
        usable=sum(exemplar.model_id == model_id for exemplar in person.exemplars),
        speech_s=sum(each.speech_s for each in person.exemplars if each.of_session is None),
        groups=person.groups,
    )
