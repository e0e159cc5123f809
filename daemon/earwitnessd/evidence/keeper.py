"""Brings published verdicts and their audio together, and hands both to the writer."""

from __future__ import annotations

from collections import deque

from earwitness.events import (
    Event,
    EvidenceState,
    SpeakerChanged,
    SpeakerUnknown,
    SpeakerVerified,
    StreamGap,
    WatchlistHit,
)
from earwitnessd.beside import Beside
from earwitnessd.evidence.clip import Clip, Key, Verdict
from earwitnessd.evidence.folder import EvidenceFolder
from earwitnessd.evidence.record import Record
from earwitnessd.evidence.writer import EvidenceWriter, Written
from earwitnessd.trusted_clock import Clock

REMEMBERED = 4096  # verdicts, of which some wait for the end of their audio, and gaps
MOST_WAITING = 16  # clips for the disk: a minute of them is 4 MB
FINISH_S = 0.3


class EvidenceKeeper:
    """Owned by the main thread."""

    def __init__(self, folder: EvidenceFolder, clock: Clock | None = None) -> None:
        self.kept = 0
        self.failed = 0
        # could not be written
        self.dropped = 0
        # the disk was too slow
        self._waiting = 0
        self._verdicts: dict[Key, Verdict] = {}
        self._gaps: deque[StreamGap] = deque(maxlen=REMEMBERED)
        self._folder = folder
        self._writer: Beside[Record, Written] = Beside(
            lambda inbox, outbox: EvidenceWriter(folder, inbox, outbox, clock)
        )

    @property
    def state(self) -> EvidenceState:
        """For the heartbeat."""
        return EvidenceState(kept=self.kept, failed=self.failed, dropped=self.dropped)

    def fileno(self) -> int:
        """Readable when the writer has something to say."""
        return self._writer.fileno()

    def on_event(self, event: Event) -> None:
        """Remember what was published: its audio comes later."""
        if isinstance(event, StreamGap):
            self._gaps.append(event)
        if isinstance(event, SpeakerVerified | SpeakerUnknown | SpeakerChanged | WatchlistHit):
            self._verdicts[Key.of(event)] = event
            while len(self._verdicts) > REMEMBERED:
                del self._verdicts[next(iter(self._verdicts))]

    def on_clip(self, clip: Clip) -> None:
        """A verdict's audio is complete."""
        verdict = self._verdicts.pop(clip.verdict, None)
        if verdict is None or self._waiting >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting += 1
        self._writer.put(Record(verdict, clip, self._gaps_in(clip)))

    def on_written(self) -> None:
        """The writer has something to say."""
        for written in self._writer.said():
            self._waiting -= 1
            self.kept += not written.problem
            self.failed += bool(written.problem)

    def close(self, within_s: float = FINISH_S) -> None:
        """Give the writer a moment for what it has; then it is left behind, and no half file remains."""
        self._writer.close(min(FINISH_S, within_s))
        if not self.stuck:
            self._folder.close()

    @property
    def stuck(self) -> bool:
        """The writer still runs; after `close`: it waits for its disk."""
        return self._writer.alive

    def _gaps_in(self, clip: Clip) -> tuple[tuple[int, int], ...]:
        return tuple(
            (max(gap.start, clip.start), min(gap.stop, clip.stop))
            for gap in self._gaps
            if gap.stream_id == clip.verdict.stream_id and gap.start < clip.stop and gap.stop > clip.start
        )
