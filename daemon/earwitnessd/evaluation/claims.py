"""What the daemon claimed when: its decisions on one recording as stretches of time, pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from earwitness.events import RATE, Event, SpeakerChanged, SpeakerLost, SpeakerUnknown, SpeakerVerified

Decision = SpeakerVerified | SpeakerUnknown | SpeakerChanged | SpeakerLost


@dataclass(frozen=True, slots=True)
class Statement:
    """Somebody was said to be verified."""

    speaker: str
    window_start_s: float
    # of the window it was said with
    at_s: float
    # its end
    first: bool
    # of its claim; otherwise it is said again


@dataclass(frozen=True, slots=True)
class Claim:
    """For so long one decision was in force; its time to live is taken as a subscriber does."""

    speaker: str | None
    # None: an unknown voice
    start_s: float
    stop_s: float


def claims_of(events: Iterable[Event], end_s: float) -> list[Claim]:
    """Stretches in order; between them, nothing was claimed."""
    claims: list[Claim] = []
    standing: Claim | None = None
    for event in events:
        if not isinstance(event, Decision):
            continue
        at_s = event.stop / RATE
        opened = _opened_by(event, at_s)
        if standing and opened and standing.speaker == opened.speaker and at_s <= standing.stop_s:
            standing = replace(standing, stop_s=opened.stop_s)
            continue
        if standing:
            claims.append(replace(standing, stop_s=min(standing.stop_s, at_s)))
        standing = opened
    if standing:
        claims.append(replace(standing, stop_s=min(standing.stop_s, end_s)))
    return claims


def _opened_by(decision: Decision, at_s: float) -> Claim | None:
    match decision:
        case SpeakerVerified(speaker=speaker, ttl_s=ttl_s):
            return Claim(speaker, at_s, at_s + ttl_s)
        case SpeakerUnknown(ttl_s=ttl_s):
            return Claim(None, at_s, at_s + ttl_s)
        case _:
            return None


def statements_of(events: Iterable[Event]) -> list[Statement]:
    """Every `speaker.verified`, in order."""
    found = []
    standing: str | None = None
    for event in events:
        if isinstance(event, SpeakerVerified):
            found.append(
                Statement(
                    event.speaker, event.start / RATE, event.stop / RATE, first=event.speaker != standing
                )
            )
            standing = event.speaker
        elif isinstance(event, SpeakerUnknown | SpeakerChanged | SpeakerLost):
            standing = None
    return found
