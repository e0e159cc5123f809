"""Every event there is, and how bytes become one."""

from __future__ import annotations

import msgspec

from .base import RATE, SCHEMA, Event, StreamEvent
from .daemon import DaemonReloaded, DaemonStarted, DaemonStopping
from .engine import EngineDegraded, EngineRestored
from .enroll import EnrollProgress
from .following import FollowerState, FollowingCondition, FollowingState, ProfilesFollowed
from .group import GroupLost, GroupVerified, WatchlistHit, WatchlistLost
from .heartbeat import (
    AuditState,
    EngineState,
    EvidenceState,
    Heartbeat,
    SocketState,
    StreamCondition,
    StreamState,
)
from .model import ModelSwitched
from .profile import ProfileDeleted, ProfileEnrolled, ProfileUpdated
from .remote import RemoteState
from .satellite import LinkCondition, LinkState, SatelliteCut
from .speaker import SpeakerChanged, SpeakerLost, SpeakerUnknown, SpeakerVerified
from .speech import SpeechStarted, SpeechStopped
from .stream import StreamGap, StreamLost, StreamOpened
from .window import Latency, ProfileScore, WindowScored

AnyEvent = (
    DaemonStarted
    | DaemonStopping
    | DaemonReloaded
    | ModelSwitched
    | EngineDegraded
    | EngineRestored
    | Heartbeat
    | StreamOpened
    | StreamLost
    | StreamGap
    | SatelliteCut
    | SpeechStarted
    | SpeechStopped
    | WindowScored
    | SpeakerVerified
    | SpeakerChanged
    | SpeakerUnknown
    | SpeakerLost
    | GroupVerified
    | GroupLost
    | WatchlistHit
    | WatchlistLost
    | ProfileEnrolled
    | ProfileUpdated
    | ProfileDeleted
    | ProfilesFollowed
    | EnrollProgress
)


class ForeignEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a type, or a version, that we do not know: skip it, but count it for `seq`."""

    type: str
    v: int = SCHEMA
    boot: str = ""
    seq: int = 0
    topic_seq: int = 0
    replayed: bool = False


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)
_foreign_decoder = msgspec.json.Decoder(ForeignEvent)
_known_types = frozenset(kind.__struct_config__.tag for kind in AnyEvent.__args__)


def encode(event: Event) -> bytes:
    """One JSON object in UTF-8."""
    return _encoder.encode(event)


def decode(body: bytes) -> AnyEvent | ForeignEvent:
    """Undo `encode`; unknown fields are ignored, unknown types and versions become ForeignEvent.

    Raises msgspec.DecodeError for what is not an event.
    """
    try:
        event: AnyEvent = _decoder.decode(body)
    except msgspec.ValidationError:
        foreign = _foreign_decoder.decode(body)
        if foreign.type in _known_types and foreign.v == SCHEMA:
            raise
        return foreign
    return event if event.v == SCHEMA else _foreign_decoder.decode(body)


__all__ = [
    "RATE",
    "SCHEMA",
    "AnyEvent",
    "AuditState",
    "DaemonReloaded",
    "DaemonStarted",
    "DaemonStopping",
    "EngineDegraded",
    "EngineRestored",
    "EngineState",
    "EnrollProgress",
    "Event",
    "EvidenceState",
    "FollowerState",
    "FollowingCondition",
    "FollowingState",
    "ForeignEvent",
    "GroupLost",
    "GroupVerified",
    "Heartbeat",
    "Latency",
    "LinkCondition",
    "LinkState",
    "ModelSwitched",
    "ProfileDeleted",
    "ProfileEnrolled",
    "ProfileScore",
    "ProfileUpdated",
    "ProfilesFollowed",
    "RemoteState",
    "SatelliteCut",
    "SocketState",
    "SpeakerChanged",
    "SpeakerLost",
    "SpeakerUnknown",
    "SpeakerVerified",
    "SpeechStarted",
    "SpeechStopped",
    "StreamCondition",
    "StreamEvent",
    "StreamGap",
    "StreamLost",
    "StreamOpened",
    "StreamState",
    "WatchlistHit",
    "WatchlistLost",
    "WindowScored",
    "decode",
    "encode",
]
