"""What the main thread and the engine thread say to each other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from earwitness.control import AnyMethod, ErrorCode
from earwitness.events import Event, RemoteState
from earwitnessd.calibration import Calibrator
from earwitnessd.capture.words import AnyMessage
from earwitnessd.decide import Rules
from earwitnessd.evidence.clip import Clip
from earwitnessd.hearing import Counters
from earwitnessd.profiles.taking import Taken
from earwitnessd.settings.sources import Source

# From main to engine


@dataclass(frozen=True, slots=True)
class Ask:
    """A control request that the engine answers."""

    token: int
    method: AnyMethod
    attachment: bytes
    caller: str = ""
    # who asks: "uid 1000", "key kitchen"


@dataclass(frozen=True, slots=True)
class CaptureGone:
    """The capture process of this opening is no more."""

    stream: str
    stream_id: str
    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class StreamAdded:
    """Listen to a stream from now on."""

    stream: str
    source: Source


@dataclass(frozen=True, slots=True)
class StreamRemoved:
    """Forget a stream, or this setting-up of it."""

    stream: str
    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class NewRules:
    """Decide by these from now on, and read the profiles again."""

    rules: Rules
    calibrator: Calibrator | None = None


@dataclass(frozen=True, slots=True)
class PeopleFollowed:
    """The database has other people now: read them anew, and tell."""

    writer: str
    taken: Taken


@dataclass(frozen=True, slots=True)
class PeopleDoubted:
    """Whether they may still be those whom the writer has enrolled."""

    doubt: str
    # why nobody is to be compared with; empty: everybody is again


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A satellite's word: what the capture processes of this machine say themselves."""

    message: AnyMessage
    data: list[bytes]
    # of samples


ToEngine = (
    Brought
    | Ask
    | CaptureGone
    | StreamAdded
    | StreamRemoved
    | NewRules
    | PeopleFollowed
    | PeopleDoubted
    | Stop
)

# From engine to main


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded and the profiles are read."""

    model: str
    model_id: str
    device: str
    threshold: float | None
    # cosine that the model's makers suggest
    profiles: int
    profiles_other_model: int
    # people who cannot be recognised: they were enrolled with another model only
    directory: Path = Path()
    # the model's
    decision: str = ""
    # how is decided, for people
    profiles_damaged: str = ""
    # where a damaged database lies that was moved aside; empty: there is none


class Publish(msgspec.Struct, frozen=True):
    """An event for everybody."""

    event: Event


@dataclass(frozen=True, slots=True)
class Answer:
    """To an `Ask`."""

    token: int
    result: msgspec.Struct


@dataclass(frozen=True, slots=True)
class Refusal:
    """To an `Ask`, when there is no result."""

    token: int
    code: ErrorCode
    message: str


class StreamPulse(msgspec.Struct, frozen=True):
    """How one stream is doing; the defaults are those of one that the engine has said nothing of."""

    stream: str
    stream_id: str
    live: bool = False
    paced: bool = False
    device: str = ""
    position: int = 0
    level_dbfs: float | None = None
    speaking: bool = False
    speaker: str | None = None
    lag_s: float = 0.0
    zero_run_s: float = 0.0
    last_message_ns: int = 0
    counters: Counters = msgspec.field(default_factory=Counters)


class Pulse(msgspec.Struct, frozen=True):
    """Said several times a second by a living engine; its absence is what the watchdog looks for."""

    at_ns: int
    streams: tuple[StreamPulse, ...]
    busy: float
    # fraction of the time since the last pulse spent embedding
    batch_ms: float
    batches: int
    windows: int
    profiles: int
    profiles_other_model: int
    profiles_renewing: int = 0
    # of these, those whose kept audio is being embedded
    sessions_unreadable: int = 0
    # that do not open
    device: str = ""
    # what computes at present; empty: what was ready
    degraded: str = ""
    # why it is not the one in the settings; empty: it is
    remote: RemoteState | None = None
    # of engines elsewhere; None: there are none

    @classmethod
    def first(cls, profiles: int) -> Pulse:
        """Before the engine has said anything."""
        return cls(time.monotonic_ns(), (), 0.0, 0.0, 0, 0, profiles, 0)


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine cannot start or cannot go on."""

    reason: str


FromEngine = Ready | Publish | Clip | Answer | Refusal | Pulse | Failed
