"""People as they are kept: what one enrolment session yields, and what lies in the database of it."""

from __future__ import annotations

from dataclasses import dataclass

from earwitnessd.decision.roster import NOTHING_OWN, OwnPoint
from earwitnessd.profiles.circumstances import NOT_KNOWN, Circumstances
from earwitnessd.profiles.keeping import Keeping
from earwitnessd.score import Vector

NOTHING_KEPT = Keeping()


@dataclass(frozen=True, eq=False, slots=True)
class NewExemplar:
    """What one enrolment session yields."""

    model_id: str
    vector: Vector
    # unit length, turned by the rotation of the store that it goes to
    label: str
    source: str
    speech_s: float
    windows: int
    consistency: float | None
    snr_db: float | None
    circumstances: Circumstances = NOT_KNOWN
    audio: bytes = b""
    # of `enroll/kept_audio.py`, where the operator allowed keeping it


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StoredExemplar(NewExemplar):
    """An exemplar as it lies in the database."""

    session: int
    # its number there
    created: str
    of_session: int | None = None
    # the session that it is a template of, by another model; None: it is a session's first

    @property
    def root(self) -> int:
        """The session's number, whichever model's template this is."""
        return self.session if self.of_session is None else self.of_session


@dataclass(frozen=True, eq=False, slots=True)
class StoredProfile:
    """One person."""

    name: str
    created: str
    exemplars: tuple[StoredExemplar, ...]
    groups: tuple[str, ...] = ()
    # by name
    own: OwnPoint = NOTHING_OWN
    keeping: Keeping = NOTHING_KEPT

    @property
    def sessions(self) -> int:
        """How often they were enrolled, by whichever models."""
        return len({exemplar.root for exemplar in self.exemplars})
