"""What is worth a line of the audit log: control actions, verdicts that changed, people who came or went."""

from __future__ import annotations

from typing import Any

import msgspec

from earwitness.control import (
    AnyMethod,
    BeginCheck,
    CancelEnrollment,
    EndCheck,
    EventsSince,
    FollowProfiles,
    GetStatus,
    ListGroups,
    ListProfiles,
    ShowProfile,
)
from earwitness.events import (
    DaemonReloaded,
    DaemonStarted,
    DaemonStopping,
    Event,
    GroupLost,
    GroupVerified,
    ProfileDeleted,
    ProfileEnrolled,
    ProfilesFollowed,
    ProfileUpdated,
    SpeakerChanged,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    StreamEvent,
    WatchlistHit,
    WatchlistLost,
)

READS = (GetStatus, ListGroups, ListProfiles, ShowProfile, EventsSince)
# asking changes nothing and discloses no template
SECRET = {"passphrase"}
EVENTS = (
    DaemonStarted,
    DaemonStopping,
    DaemonReloaded,
    ProfileEnrolled,
    ProfileUpdated,
    ProfileDeleted,
    ProfilesFollowed,
)
TOLD = frozenset(
    (
        "speaker",
        "group",
        "previous",
        "reason",
        "renamed_from",
        "exemplars",
        "changed",
        "restart_needed",
        "error",
        "version",
        "model_id",
        "writer",
        "added",
        "removed",
        "people",
    )
)
# fields of events: never a score, nor anything else that is measured of a voice
MOST_TEXT = 2000  # characters


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line; what does not apply is left out."""

    time: str
    boot: str
    n: int
    # counts from 1 at each start: a number that is missing is a line that is missing
    what: str
    # "control", "verdict", "profile", "daemon"
    type: str
    # the method, or the event
    who: str = ""
    # of control: "uid 1000, gid 1000, process 4711", "tcp address, key kitchen"
    asked: dict[str, Any] = {}
    # of control: the parameters, but for secrets
    refused: str = ""
    # of control: why; left out: it was done
    stream: str = ""
    stream_id: str = ""
    seq: int = 0
    # of the event that told it to subscribers
    stop: int = 0
    # of a verdict: the position in samples it was decided at
    told: dict[str, Any] = {}
    # of an event: who, and why


class Verdicts:
    """Which verdict stands on each stream: one that is only said again is no change."""

    def __init__(self) -> None:
        self._standing: dict[str, tuple[str, str]] = {}
        # by stream, or stream and group

    def changed(self, event: Event) -> bool:
        """Whether this one differs from the last of its stream."""
        match event:
            case GroupVerified() | WatchlistHit() | GroupLost() | WatchlistLost():
                return self._differs(f"{event.stream}:{event.group}", (event.type, ""))
            case SpeakerVerified(speaker=speaker):
                verdict = ("verified", speaker)
            case SpeakerUnknown():
                verdict = ("unknown", "")
            case SpeakerLost():
                verdict = ("lost", "")
            case SpeakerChanged():
                return True
            case _:
                return False
        return self._differs(event.stream, verdict)

    def _differs(self, slot: str, verdict: tuple[str, str]) -> bool:
        before = self._standing.get(slot)
        self._standing[slot] = verdict
        return verdict != before


def of_method(who: str, method: AnyMethod, problem: str) -> dict[str, Any] | None:
    """The fields of a control action's line; None: it is not worth one."""
    if isinstance(method, READS) or (isinstance(method, FollowProfiles) and not problem):
        return None  # who follows asks all the time: what it was given is a line of its own
    asked = {
        name: value
        for name, value in msgspec.to_builtins(method).items()
        if name not in SECRET and value is not None
    }
    if isinstance(method, CancelEnrollment | BeginCheck | EndCheck):
        asked.pop("attempt", None)
    return {
        "what": "control",
        "type": method.method,
        "who": who,
        "asked": asked,
        "refused": problem[:MOST_TEXT],
    }


def of_event(event: Event, verdicts: Verdicts) -> dict[str, Any] | None:
    """The fields of an event's line; None: it is not worth one."""
    if not isinstance(event, EVENTS) and not verdicts.changed(event):
        return None
    content = msgspec.to_builtins(event)
    kind = str(content["type"])
    fields: dict[str, Any] = {
        "what": "verdict" if isinstance(event, StreamEvent) else kind.split(".", maxsplit=1)[0],
        "type": kind,
        "seq": event.seq,
        "told": {
            name: value for name, value in content.items() if name in TOLD and value not in (None, "", [])
        },
    }
    if isinstance(event, StreamEvent):
        fields |= {"stream": event.stream, "stream_id": event.stream_id, "stop": event.stop}
    return fields
