"""From stored people to what windows are compared with: one after the other, for there may be a crowd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from earwitnessd.calibration import Calibrator
from earwitnessd.channel import Channel
from earwitnessd.decision import Member, Roster
from earwitnessd.profiles.stored import StoredExemplar, StoredProfile
from earwitnessd.score import ProfileMatrix, Vector
from earwitnessd.score.blocks import Exemplars

NONE: Vector = np.empty((0, 0), dtype=np.float32)


def read_all(
    people: Iterable[StoredProfile], model_id: str, calibrator: Calibrator | None
) -> tuple[ProfileMatrix, Roster, set[str]]:
    """Of people by name: the matrix, whom it compares with, and who is enrolled with another model only."""
    roster: list[Member] = []
    channels: dict[str, frozenset[Channel]] = {}
    apart: set[str] = set()

    def compared() -> Iterator[Exemplars]:
        for person in people:
            own = exemplars_of(person.name, person, model_id, calibrated=calibrator is not None)
            if not len(own.vectors):
                apart.add(person.name)
                continue
            roster.append(Member(person.name, person.groups, person.own))
            if kinds := channels_of(person, model_id):
                channels[person.name] = kinds
            yield own

    matrix = ProfileMatrix.of(compared(), calibrator, channels)
    return matrix, tuple(roster), apart


def exemplars_of(name: str, person: StoredProfile | None, model_id: str, *, calibrated: bool) -> Exemplars:
    """Of the model in use; of nobody there are none."""
    usable = _usable(person, model_id)
    vectors = np.stack([exemplar.vector for exemplar in usable]) if usable else NONE
    return Exemplars(name, vectors, tuple(exemplar.speech_s for exemplar in usable) if calibrated else ())


def channels_of(person: StoredProfile | None, model_id: str) -> frozenset[Channel] | None:
    """None where not all sessions say what they came through."""
    kinds = frozenset(exemplar.circumstances.channel for exemplar in _usable(person, model_id))
    return None if "" in kinds or not kinds else kinds


def _usable(person: StoredProfile | None, model_id: str) -> list[StoredExemplar]:
    exemplars = person.exemplars if person else ()
    return [exemplar for exemplar in exemplars if exemplar.model_id == model_id]
