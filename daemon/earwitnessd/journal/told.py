"""What of the events goes into the log: one line a state change, nothing to match a voice with. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from earwitness.events import (
    Event,
    GroupLost,
    GroupVerified,
    ModelSwitched,
    ProfileDeleted,
    ProfileEnrolled,
    ProfilesFollowed,
    ProfileUpdated,
    SpeakerChanged,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    StreamEvent,
    StreamOpened,
    WatchlistHit,
    WatchlistLost,
)
from earwitness.words import clean, describe


@dataclass(frozen=True, slots=True)
class Told:
    """A line and the fields that belong to it."""

    text: str
    fields: dict[str, str] = field(default_factory=dict)


class Telling:
    """Remembers what was said of each stream last, so as not to say it again."""

    def __init__(self) -> None:
        self._speakers: dict[str, str | None] = {}
        self._heard: set[str | None] = set()
        # state keys of groups

    def of(self, event: Event) -> Told | None:
        """The line for this event; None: there is nothing new to tell."""
        text = self._text(event)
        return Told(clean(text), _fields(event)) if text else None

    def _text(self, event: Event) -> str | None:
        match event:
            case StreamOpened():
                mode = "" if event.paced else ", at full speed"
                return f"stream {event.stream} opened: {event.device}, {event.native_rate} Hz{mode}"
            case SpeakerVerified():
                return self._who(event, event.speaker, f"hears {event.speaker}")
            case SpeakerUnknown():
                return self._who(event, "", "hears somebody who is not enrolled")
            case SpeakerLost():
                return self._who(event, None, f"no longer knows who speaks ({event.reason})")
            case SpeakerChanged():
                return None  # who it is follows at once
            case GroupVerified() | WatchlistHit() | GroupLost() | WatchlistLost():
                return self._anyone(event)
            case ProfilesFollowed():
                return (
                    f"the profiles of {event.writer} are in force here, version {event.version}: "
                    f"{event.added} new, {event.changed} changed, {event.removed} deleted, "
                    f"{event.people} people"
                )
            case ProfileEnrolled() | ProfileUpdated() | ProfileDeleted():
                return _of_profile(event)
            case ModelSwitched():
                return describe(event).text
        return None

    def _anyone(self, event: GroupVerified | WatchlistHit | GroupLost | WatchlistLost) -> str | None:
        heard = event.state_key in self._heard
        if isinstance(event, GroupLost | WatchlistLost):
            self._heard.discard(event.state_key)
            return f"stream {event.stream} no longer hears anyone of {event.group} ({event.reason})"
        self._heard.add(event.state_key)
        listed = "watchlist " if isinstance(event, WatchlistHit) else "group "
        return None if heard else f"stream {event.stream} hears anyone of {listed}{event.group}"

    def _who(self, event: StreamEvent, speaker: str | None, says: str) -> str | None:
        if event.stream in self._speakers and self._speakers[event.stream] == speaker:
            return None
        self._speakers[event.stream] = speaker
        return f"stream {event.stream} {says}"


def _of_profile(event: ProfileEnrolled | ProfileUpdated | ProfileDeleted) -> str:
    match event:
        case ProfileEnrolled():
            return f"{event.speaker} is enrolled, with {event.speech_s:.0f} s of speech"
        case ProfileUpdated(renamed_from=None):
            return f"the profile of {event.speaker} has changed: {event.exemplars} sessions"
        case ProfileUpdated():
            return f"{event.renamed_from} is now called {event.speaker}"
        case ProfileDeleted():
            return f"{event.speaker} and all sessions are deleted"


def _fields(event: Event) -> dict[str, str]:
    fields = {"event": event.type, "boot": event.boot, "seq": str(event.seq)}
    for name in ("stream", "stream_id", "speaker", "group"):
        if value := getattr(event, name, None):
            fields[name] = str(value)
    return fields
