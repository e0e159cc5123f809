"""What a window has to say, and what is thought after it."""

from __future__ import annotations

import msgspec

from earwitnessd.score import Scores


class Evidence(msgspec.Struct, frozen=True):
    """What one window has to say."""

    stream: str
    stream_id: str
    start: int
    stop: int
    speech_s: float
    # net speech in the window
    new_speech_s: float
    # of this, what the window before had not heard
    scores: Scores
    # everybody's; empty if nobody is enrolled or the window was not embedded
    reasons: tuple[str, ...]
    # why it decides nothing, from before scoring


class Weight(msgspec.Struct, frozen=True):
    """How much all that was heard speaks for one person, and what it has to reach: in nats."""

    evidence: float
    accept: float
    reject: float


class Opinion(msgspec.Struct, frozen=True):
    """Who it is by all that was heard up to a window."""

    speaker: str | None
    # a person's name, or None for an unknown voice
    enough: bool
    # to say so if something else was said before; else only to stand by it
    cosines: tuple[float, ...] = ()
    # of the windows it was formed by, the last one's at the end
    reasons: tuple[str, ...] | None = None
    # why it is none; empty: it takes more windows
    llr: float | None = None
    # nats: how much all that was heard speaks for this person, or for the most likely one if unknown
    needed: float | None = None
    # nats: what it has to reach, or to fall to
    posterior: float | None = None
    # probability of this very opinion

    @classmethod
    def none(cls, *reasons: str) -> Opinion:
        """There is none after this window."""
        return cls(None, enough=False, reasons=reasons)
