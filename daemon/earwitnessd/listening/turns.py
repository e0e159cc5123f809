"""Whose live windows are embedded next: all that are due; under overload the newest of each stream."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence

from earwitnessd.hearing import HeardWindow, Hearing

log = logging.getLogger(__name__)

MOST_BATCH = 64  # windows embedded at once: a larger batch is no faster on any device, and needs more memory


class Turns:
    """Owned by the engine thread. Time comes in only as what a batch took.

    An engine that keeps up embeds everything that is due at once. A stream that falls further behind than
    allowed skips its oldest windows; if that happens again before the engine has caught up, it was no hiccup,
    and only the newest window of each stream counts until it has. A batch takes about one hop, and those that
    have lost most are in it: so all streams lose alike, and a window's age does not grow with their number.
    """

    def __init__(self, hop_s: float, max_lag_s: float) -> None:
        self.behind = False
        # the engine cannot embed everything that is said
        self._has_skipped = False
        # since the engine last had nothing to do
        self._hop_s = hop_s
        self._allowed = max(1, int(max_lag_s / hop_s))
        # windows of a stream that may wait
        self._room = MOST_BATCH
        self._lost: dict[str, int] = {}
        # by stream: windows skipped beyond those that all have lost; not too many, after a gap of the source

    @property
    def pressed(self) -> bool:
        """Windows were skipped, and the engine has not been seen to have caught up."""
        return self.behind or self._has_skipped

    def take(self, hearings: Sequence[Hearing], wanted: Callable[[HeardWindow], bool]) -> list[HeardWindow]:
        """The windows of the next batch, each stream's in order; those not `wanted` take up no room in it."""
        due = [hearing for hearing in hearings if hearing.due and hearing.live]
        if not due:
            self._keep_up()
            return []
        most = 1 if self.behind else self._allowed
        if any(hearing.due > most for hearing in due):
            self._skip([hearing for hearing in hearings if hearing.live], most)
        waiting = deque(sorted(due, key=lambda hearing: self._lost.get(hearing.stream, 0), reverse=True))
        taken: list[HeardWindow] = []
        room = self._room
        while waiting and room:
            hearing = waiting.popleft()
            for window in hearing.take_due(1):
                taken.append(window)
                room -= wanted(window)
            if hearing.due:
                waiting.append(hearing)
        return taken

    def took(self, windows: int, seconds: float) -> None:
        """So long the last batch took: the next is as large as fits into one hop."""
        fitting = self._hop_s * windows / seconds if seconds > 0.0 else MOST_BATCH
        self._room = max(1, min(MOST_BATCH, int(fitting)))

    def _keep_up(self) -> None:
        if self.behind:
            log.info("the engine keeps up again")
        self.behind = self._has_skipped = False

    def _skip(self, live: Sequence[Hearing], most: int) -> None:
        skipped = {hearing.stream: hearing.keep_newest(most) for hearing in live}
        lost = {stream: self._lost.get(stream, 0) + count for stream, count in skipped.items()}
        least = min(lost.values(), default=0)
        self._lost = {stream: min(count - least, len(live)) for stream, count in lost.items()}
        if any(skipped.values()) and not self.behind:
            self.behind = self._has_skipped
            self._has_skipped = True
            if self.behind:
                log.warning("the engine is behind: hops are skipped until it has caught up")
