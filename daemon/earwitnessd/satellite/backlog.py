"""What a satellite has heard and the daemon has not yet taken: bounded, in order, saying what it dropped."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

from earwitnessd.capture.words import RATE, AnyMessage, Audio, Ended, Lost, Opened, Silent, encode

Frames = list[bytes]


@dataclass(slots=True)
class Kept:
    """One message of the capture process."""

    number: int
    message: AnyMessage
    frames: Frames
    samples: int
    # it stands for


class Backlog:
    """Pure. `put` what comes, send what `take` gives, forget by `taken`; `rewind` when the link was cut.

    In front of `_kept` stand what was dropped of the present opening, as one loss, and before that how this
    opening began, should the daemon not know it yet.
    """

    def __init__(self, longest_s: float) -> None:
        self.heard_samples = 0
        # since the start
        self.lost_samples = 0
        # of these, dropped
        self._longest = round(longest_s * RATE)
        self._kept: deque[Kept] = deque()
        self._opened: Kept | None = None
        # how the opening in front began; kept for a daemon that does not know it
        self._opened_sent = self._hole_sent = True
        self._hole: Kept | None = None
        self._sent = 0
        # of `_kept`, from its front
        self._samples = 0
        self._number = 0

    @property
    def waiting_samples(self) -> int:
        """Audio that was not taken yet."""
        return self._samples

    @property
    def waiting_s(self) -> float:
        """The same as time."""
        return self._samples / RATE

    @property
    def on_the_way(self) -> int:
        """Messages that were sent on this link and not taken yet."""
        return self._sent

    def put(self, message: AnyMessage, frames: Frames) -> None:
        """The next message; makes room for it."""
        self._number += 1
        kept = Kept(self._number, message, frames, _samples_of(message, frames))
        self._kept.append(kept)
        self._samples += kept.samples
        self.heard_samples += kept.samples
        while self._samples > self._longest and len(self._kept) > 1:
            self._drop_oldest()

    def take(self) -> Kept | None:
        """The next that was not sent on this link; None: all were."""
        if self._opened and not self._opened_sent:
            self._opened_sent = True
            return self._opened
        if self._hole and not self._hole_sent:
            self._hole_sent = True
            return self._hole
        if self._sent == len(self._kept):
            return None
        self._sent += 1
        return next(islice(self._kept, self._sent - 1, None))

    def taken(self, number: int) -> None:
        """The daemon has everything up to this one."""
        if self._hole and self._hole.number <= number:
            self._hole = None
        while self._kept and self._kept[0].number <= number:
            kept = self._shift()
            if isinstance(kept.message, Opened):
                self._opened, self._opened_sent = kept, True

    def rewind(self, taken: int) -> None:
        """Another link to the same daemon, which has taken so many; -1: one that knows nothing of us."""
        self._sent = 0
        self._hole_sent = False
        self._opened_sent = self._opened is not None and self._opened.number <= taken
        self.taken(taken)

    def _shift(self) -> Kept:
        kept = self._kept.popleft()
        self._samples -= kept.samples
        self._sent = max(0, self._sent - 1)
        return kept

    def _drop_oldest(self) -> None:
        sent = self._sent > 0
        kept = self._shift()
        self.lost_samples += kept.samples if isinstance(kept.message, Audio | Silent) else 0
        match kept.message:
            case Opened():
                self._opened, self._opened_sent, self._hole = kept, sent, None
            case Audio() | Silent() | Lost():
                self._widen_hole(kept)
            case Ended():  # nothing is left of that opening
                self._hole = self._opened = None

    def _widen_hole(self, kept: Kept) -> None:
        message = kept.message
        assert isinstance(message, Audio | Silent | Lost)
        samples = message.samples if isinstance(message, Lost) else kept.samples
        position = message.position
        if self._hole is not None:
            before = self._hole.message
            assert isinstance(before, Lost)
            position, samples = before.position, before.samples + samples
        lost = Lost(
            stream=message.stream,
            stream_id=message.stream_id,
            monotonic_ns=message.monotonic_ns,
            position=position,
            samples=samples,
            reason="link",
        )
        self._hole, self._hole_sent = Kept(kept.number, lost, [encode(lost)], 0), False


def _samples_of(message: AnyMessage, frames: Frames) -> int:
    if isinstance(message, Silent):
        return message.samples
    if isinstance(message, Audio) and len(frames) == 2:
        return len(frames[1]) // (4 if message.encoding == "f32" else 2)
    return 0
