"""What became of every sample that a satellite heard, from what a subscriber was told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from earwitness.events import Event, Heartbeat, StreamGap, StreamLost, StreamOpened, WindowScored


@dataclass(slots=True)
class Opening:
    """One stretch of a satellite's source, as one daemon heard it; positions by the daemon's count."""

    boot: str
    stream_id: str
    source_position: int
    # of its position 0, by the satellite's count
    stop: int = 0
    # so far it is known to have been heard
    ended: str | None = None
    # why; None: nobody could say it any more
    gaps: list[StreamGap] = field(default_factory=list)
    windows: list[WindowScored] = field(default_factory=list)

    @property
    def end(self) -> int:
        """By the satellite's count."""
        return self.source_position + self.stop

    @property
    def lost(self) -> int:
        """In gaps that were named."""
        return sum(gap.samples for gap in self.gaps)


@dataclass(slots=True)
class Account:
    """Of one stream, over all links and all starts of the daemon."""

    stream: str
    openings: list[Opening] = field(default_factory=list)

    @property
    def heard(self) -> int:
        """Samples of the source that came, each counted once."""
        return sum(opening.stop - opening.lost for opening in self.openings) - self.twice

    @property
    def named(self) -> int:
        """Lost in gaps."""
        return sum(opening.lost for opening in self.openings)

    @property
    def between(self) -> int:
        """Lost between two openings."""
        return sum(max(0, step) for step in self.steps)

    @property
    def twice(self) -> int:
        """Came to two daemons."""
        return sum(max(0, -step) for step in self.steps)

    @property
    def steps(self) -> list[int]:
        """From the end of one opening to the beginning of the next, by the satellite's count."""
        return [after.source_position - before.end for before, after in pairwise(self.openings)]

    def reasons(self) -> list[str]:
        """Why there are gaps."""
        return [gap.reason for opening in self.openings for gap in opening.gaps]

    def of(self, boot: str) -> Account:
        """What one start of the daemon told."""
        return Account(self.stream, [opening for opening in self.openings if opening.boot == boot])


def accounts(events: Iterable[Event]) -> dict[str, Account]:
    """Of all streams; each event once, in the order in which they were published."""
    found: dict[str, Account] = {}
    opened: dict[tuple[str, str], Opening] = {}
    for event in events:
        if isinstance(event, StreamOpened):
            opening = Opening(event.boot, event.stream_id, event.source_position)
            found.setdefault(event.stream, Account(event.stream)).openings.append(opening)
            opened[event.boot, event.stream_id] = opening
        elif isinstance(event, Heartbeat):
            for stream in event.streams:
                if open_now := opened.get((event.boot, stream.stream_id)):
                    open_now.stop = max(open_now.stop, stream.position)
        elif isinstance(event, StreamGap | StreamLost | WindowScored):
            _enter(event, opened.get((event.boot, event.stream_id)))
    return found


def _enter(event: StreamGap | StreamLost | WindowScored, opening: Opening | None) -> None:
    if opening is None:
        return
    opening.stop = max(opening.stop, event.stop)
    if isinstance(event, StreamGap):
        opening.gaps.append(event)
    elif isinstance(event, WindowScored):
        opening.windows.append(event)
    else:
        opening.ended = event.reason


def jumps(events: Iterable[Event]) -> Iterator[str]:
    """Where the numbers of a boot's events do not follow on each other, or those of a topic."""
    last: dict[tuple[str, str], int] = {}
    for event in events:
        for key, number in (((event.boot, ""), event.seq), ((event.boot, event.topic), event.topic_seq)):
            if key in last and number != last[key] + 1:
                yield f"{key[1] or 'all'}: {number} after {last[key]}"
            last[key] = number
