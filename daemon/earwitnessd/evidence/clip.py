"""A stretch of audio around a verdict, and which verdicts are worth one."""

from __future__ import annotations

from dataclasses import dataclass

from earwitness.events import (
    RATE,
    Event,
    SpeakerChanged,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    WatchlistHit,
    WatchlistLost,
)
from earwitnessd.capture.messages import Samples
from earwitnessd.settings.root import Evidence

Verdict = SpeakerVerified | SpeakerUnknown | SpeakerChanged | WatchlistHit


@dataclass(frozen=True, slots=True)
class Key:
    """Which verdict: a stream says no two of a type at one position, but of different watchlists."""

    type: str
    stream_id: str
    position: int
    group: str = ""

    @classmethod
    def of(cls, event: Verdict) -> Key:
        """Before it is numbered or after."""
        group = event.group if isinstance(event, WatchlistHit) else ""
        return cls(event.type, event.stream_id, event.stop, group)


@dataclass(frozen=True, eq=False, slots=True)
class Clip:
    """The audio that belongs to a verdict."""

    verdict: Key
    start: int
    # position of the first sample: later than asked for if memory did not reach so far back
    samples: Samples

    @property
    def stop(self) -> int:
        """Position after the last sample: earlier than asked for if the stream was lost."""
        return self.start + len(self.samples)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stretch that is to be cut out when all of it has been heard."""

    verdict: Key
    start: int
    stop: int


class News:
    """Tells a new verdict from one that is only said again; what it is asked to keep, it wants."""

    def __init__(self, settings: Evidence) -> None:
        self._settings = settings
        self._standing: dict[str, str | None] = {}
        # who is verified on a stream, None: an unknown voice
        self._hits: set[tuple[str, str]] = set()
        # stream and watchlist

    def wanted(self, event: Event) -> Wanted | None:
        """The stretch around this event, if it is one that evidence is kept of."""
        if isinstance(event, SpeakerLost):
            self._standing.pop(event.stream, None)
        if isinstance(event, WatchlistLost):
            self._hits.discard((event.stream, event.group))
        if not isinstance(event, SpeakerVerified | SpeakerUnknown | SpeakerChanged | WatchlistHit):
            return None
        if not self._is_new(event) or event.type not in self._settings.events:
            return None
        before, after = (round(each * RATE) for each in (self._settings.before_s, self._settings.after_s))
        return Wanted(Key.of(event), max(0, event.start - before), event.stop + after)

    def _is_new(self, event: Verdict) -> bool:
        if isinstance(event, SpeakerChanged):
            return True
        if isinstance(event, WatchlistHit):
            hit = (event.stream, event.group)
            new = hit not in self._hits
            self._hits.add(hit)
            return new
        speaker = event.speaker if isinstance(event, SpeakerVerified) else None
        same = event.stream in self._standing and self._standing[event.stream] == speaker
        self._standing[event.stream] = speaker
        return not same
