"""One stream's way from capture messages to windows that are due: ring, gaps, speech, quality."""

from __future__ import annotations

import time
from collections import deque

import msgspec
import numpy as np

from earwitness.events import Event, SpeechStarted, SpeechStopped, StreamGap, StreamLost, StreamOpened
from earwitnessd import quality
from earwitnessd.capture.cadence import AT_ONCE_S
from earwitnessd.capture.messages import RATE, Alive, AnyMessage, Audio, Ended, Lost, Opened, Samples
from earwitnessd.ring import OverrunError, Ring
from earwitnessd.settings.root import LEAST_MEMORY_S, Settings
from earwitnessd.speech import activity, open_gate
from earwitnessd.windows import Window, WindowCursor

RING_S = LEAST_MEMORY_S
RECORDED_BATCH = 8  # windows of a recording embedded at once: fewer is slower, more is not faster
RECORDED_BACKLOG_S = 10.0  # but no more of it waits here than this, or the ring would lose it
LEVEL_DECAY = 0.6  # of the shown level, a block or a quarter of a second; a meter that jumps cannot be read


_SAYS_NOTHING = frozenset({"too_little_speech", "gap", "not_finite"})


class Arrival(msgspec.Struct, frozen=True):
    """When a stretch of audio, up to `end`, was captured and when it came here."""

    end: int
    captured_ns: int
    received_ns: int


class HeardWindow(msgspec.Struct, frozen=True, eq=False):
    """A window and what is known of it before any model has seen it."""

    window: Window
    speech_s: float
    new_speech_s: float
    # of this, what the window before had not heard
    quality: quality.Quality
    reasons: tuple[str, ...]
    # why it can decide nothing
    arrival: Arrival
    # of its last sample
    overlap: float | None = None
    # share of it in which two people speak, 0 to 1; None: nobody listened for that

    @property
    def embeddable(self) -> bool:
        """Whether the model should hear it: a window with holes or without speech has nothing to say."""
        return _SAYS_NOTHING.isdisjoint(self.reasons)


class Counters(msgspec.Struct):
    """Since the daemon's start, over all openings."""

    opened: int = 0
    gaps: int = 0
    lost_samples: int = 0
    speech_s: float = 0.0
    windows_scored: int = 0
    windows_silent: int = 0
    windows_inconclusive: int = 0
    windows_skipped: int = 0
    windows_unembedded: int = 0
    bad_messages: int = 0
    unusable_samples: int = 0
    overflows: int = 0
    stalls: int = 0


class Hearing:
    """Owned by the engine thread. `on_message` for what capture says, then `take_due` for windows."""

    def __init__(self, stream: str, settings: Settings) -> None:
        self.stream = stream
        self.counters = Counters()
        self._open(None)
        self.stream_id = ""
        self.zero_run_s = 0.0
        self.level_dbfs: float | None = None
        self.last_message_ns = 0
        # of any message: the capture process lives
        self._windows = settings.windows
        self._gate_settings = settings.speech_gate
        self._limits = settings.quality
        self._memory_s = settings.evidence.memory_s
        self._gate = open_gate(settings.speech_gate)
        self._said_lost = False
        self._deaf_since_ns: int | None = None
        # a live source was lost and is being reopened: what is said now is never heard
        self._left: tuple[str, int] | None = None
        # of a satellite's source that was lost: where, by its own count; it may keep what is said now
        self._begin("")

    @property
    def position(self) -> int:
        """Samples since the stream was opened, lost ones too."""
        return self._ring.end

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks."""
        return self._activity.speaking

    @property
    def backlog_s(self) -> float:
        """How much audio has arrived beyond the next window."""
        return max(0, self._cursor.backlog(self.position)) / RATE if self.opened else 0.0

    @property
    def full(self) -> bool:
        """A recording has sent the windows of a batch.

        It depends on positions only: the same recording is cut into the same batches each time, and what a
        model says of a window depends, in its last digits, on the batch.
        """
        hop_s = self._windows.hop_s
        return self.recorded and self.due >= max(1, min(RECORDED_BATCH, int(RECORDED_BACKLOG_S / hop_s)))

    def on_message(self, message: AnyMessage, samples: Samples | None) -> list[Event]:
        """Take what the capture process said; the events that follow from it."""
        self.last_message_ns = time.monotonic_ns()
        if message.stream_id != self.stream_id:
            if not isinstance(message, Opened):
                return []  # before it opened, or the last words of an opening that was given up
            self._begin(message.stream_id)
        if self.opened is None and not isinstance(message, Opened | Ended):
            return []  # what was still on its way when the opening was given up
        match message:
            case Opened():
                return self._on_opened(message)
            case Audio() if samples is not None:
                return self._on_audio(message, samples)
            case Lost():
                return self._on_gap(message.position, message.samples, message.reason)
            case Alive():
                self._on_alive(message)
            case Ended():
                return self.on_gone(message.stream_id, message.reason, message.final)
        return []

    def counted(self) -> Counters:
        """The counters at this moment, with what is being missed while a lost source is reopened.

        What a satellite's source missed is known once it is back.
        """
        missing = 0 if self._left else self._unheard(time.monotonic_ns())
        return msgspec.structs.replace(self.counters, lost_samples=self.counters.lost_samples + missing)

    def on_gone(self, stream_id: str, reason: str, final: bool) -> list[Event]:
        """No more audio comes under this stream_id; said once, also of a source that never opened."""
        if self._said_lost or (self.opened is not None and stream_id != self.stream_id):
            return []
        events = self._listen()
        self._said_lost = True
        self.stream_id = stream_id
        self.keep_newest(0)  # nothing is decided of a stream that was said to be lost
        if self.live:
            self._deaf_since_ns = self.captured_ns(self.position)
        if self.opened is not None and self.opened.source_id:
            self._left = self.opened.source_id, self.opened.source_position + self.position
        if final:
            self._deaf_since_ns = self._left = None  # nobody wants to hear it
        self._open(None)
        self.level_dbfs = None
        self.zero_run_s = 0.0
        if self._activity.speaking:
            events.append(self._speech_stopped(self.position))
        lost = StreamLost(
            stream=self.stream,
            stream_id=self.stream_id,
            start=0,
            stop=self.position,
            reason=reason,
            final=final,
        )
        return [*events, lost]

    def recall(self, start: int, stop: int) -> tuple[int, Samples]:
        """What of a stretch is still remembered and has come: from where, and the samples."""
        start = min(max(start, self._ring.oldest), self.position)
        stop = max(start, min(stop, self.position))
        return start, self._ring.read(start, stop - start)

    def captured_ns(self, position: int) -> int:
        """When the sample before this position was captured; for a recording, when its block was read."""
        if not self._arrivals:
            return self.opened.monotonic_ns if self.opened else time.monotonic_ns()
        block = next((each for each in self._arrivals if each.end >= position), self._arrivals[-1])
        if self.opened is not None and not self.opened.paced:
            return block.captured_ns
        return block.captured_ns - (block.end - position) * 1_000_000_000 // RATE

    def keep_newest(self, count: int) -> int:
        """Skip all windows that are due but so many, the oldest first; how many those were."""
        behind = max(0, self.due - count)
        self._cursor.skip(behind)
        self._count_due()
        self.counters.windows_skipped += behind
        return behind

    def take_due(self, most: int) -> list[HeardWindow]:
        """The oldest windows that are complete and were not taken."""
        taken = [heard for _ in range(min(most, self.due)) if (heard := self._take()) is not None]
        self._count_due()
        return taken

    def _open(self, opened: Opened | None) -> None:
        self.opened = opened
        # None: not live
        self.live = opened is not None and opened.paced
        # it comes in real time, whether it is taken or not
        self.recorded = opened is not None and not opened.paced
        # it comes as fast as it is taken, not in real time

    def _count_due(self) -> None:
        self.due = self._cursor.due(self._ring.end)
        # windows that are complete and were not taken

    def _unheard(self, now_ns: int) -> int:
        if self._deaf_since_ns is None:
            return 0
        return max(0, now_ns - self._deaf_since_ns) * RATE // 1_000_000_000

    def _missed(self, message: Opened) -> int:
        """Since the opening before: by position where it is the same source, by the clock otherwise."""
        if self._left and self._left[0] == message.source_id:
            return max(0, message.source_position - self._left[1])
        return self._unheard(message.monotonic_ns)

    def _begin(self, stream_id: str) -> None:
        """Forget the last opening: positions start again at 0."""
        self.stream_id = stream_id
        self._ring = Ring(round(max(RING_S, self._memory_s) * RATE))
        self._cursor = WindowCursor(
            round(self._windows.length_s * RATE), max(1, round(self._windows.hop_s * RATE))
        )
        self._count_due()
        self._gate.reset()
        self._activity = activity.SpeechActivity(self._gate_settings, self._gate.chunk_samples, RATE, RING_S)
        self._gate_position = 0
        self._waiting: list[Samples] = []
        # by the gate
        self._speech_start = 0
        self._heard_until = 0
        self._arrivals: deque[Arrival] = deque()
        self._overflows = self._stalls = self._unusable = 0

    def _on_opened(self, message: Opened) -> list[Event]:
        self._open(message)
        self._said_lost = False
        self.counters.opened += 1
        self.counters.lost_samples += self._missed(message)
        self._deaf_since_ns = self._left = None
        opened = StreamOpened(
            stream=self.stream,
            stream_id=self.stream_id,
            start=0,
            stop=0,
            device=message.description,
            native_rate=message.native_rate,
            native_channels=message.native_channels,
            paced=message.paced,
            source_id=message.source_id,
            source_position=message.source_position,
        )
        return [opened]

    def _on_audio(self, message: Audio, samples: Samples) -> list[Event]:
        events: list[Event] = []
        if message.position < self.position:
            self.counters.bad_messages += 1
            return []
        if message.position > self.position:
            events += self._on_gap(self.position, message.position - self.position, "unannounced")
        self._ring.write(samples)
        self._count_due()
        if message.unusable:  # silence stands there, and nobody kept it
            self._cursor.mark_gap(message.position, self.position)
        self._arrivals.append(Arrival(self.position, message.monotonic_ns, self.last_message_ns))
        level = quality.level_dbfs(samples)
        before = level if self.level_dbfs is None else self.level_dbfs
        decay: float = LEVEL_DECAY ** max(1.0, 4 * samples.size / RATE)
        self.level_dbfs = max(level, before * decay + level * (1 - decay))
        self._waiting.append(samples)
        return events if self._may_wait() else [*events, *self._listen()]

    def _may_wait(self) -> bool:
        """The gate hears the beginning of speech at once, its end and what goes on with the next window.

        Its weights come from afar each time.
        """
        waiting = sum(map(len, self._waiting))
        return self._activity.speaking and waiting < AT_ONCE_S * RATE and not self.due

    def _listen(self) -> list[Event]:
        """Have the gate hear what waits."""
        if not self._waiting:
            return []
        blocks, self._waiting = self._waiting, []
        probabilities = self._gate.push(blocks[0] if len(blocks) == 1 else np.concatenate(blocks))
        transitions = self._activity.push(self._gate_position, probabilities)
        self._gate_position += len(probabilities) * self._gate.chunk_samples
        return self._on_transitions(transitions)

    def _on_gap(self, position: int, samples: int, reason: str) -> list[Event]:
        if position != self.position or samples <= 0:
            self.counters.bad_messages += 1
            return []
        events = self._listen()
        self._ring.skip(samples)
        self._count_due()
        stop = self.position
        self._cursor.mark_gap(position, stop)
        self._gate.reset()
        self._gate_position = stop
        self.counters.gaps += 1
        self.counters.lost_samples += samples
        gap = StreamGap(
            stream=self.stream,
            stream_id=self.stream_id,
            start=position,
            stop=stop,
            samples=samples,
            reason=reason,
        )
        return [*events, gap]

    def _on_alive(self, message: Alive) -> None:
        self.zero_run_s = message.zero_run_s
        self.counters.overflows += message.overflows - self._overflows
        self.counters.stalls += message.stalls - self._stalls
        self.counters.unusable_samples += message.unusable_samples - self._unusable
        self._overflows, self._stalls = message.overflows, message.stalls
        self._unusable = message.unusable_samples

    def _on_transitions(self, transitions: list[activity.Transition]) -> list[Event]:
        events: list[Event] = []
        for transition in transitions:
            if isinstance(transition, activity.SpeechStarted):
                self._speech_start = transition.position
                started = SpeechStarted(
                    stream=self.stream,
                    stream_id=self.stream_id,
                    start=transition.position,
                    stop=transition.position,
                )
                events.append(started)
            else:
                events.append(self._speech_stopped(transition.position))
        return events

    def _speech_stopped(self, position: int) -> Event:
        return SpeechStopped(
            stream=self.stream, stream_id=self.stream_id, start=self._speech_start, stop=position
        )

    def _take(self) -> HeardWindow | None:
        start, gaps = self._cursor.take()
        try:
            samples = self._ring.read(start, self._cursor.length)
        except OverrunError:
            self.counters.windows_skipped += 1
            return None
        window = Window(self.stream, self.stream_id, start, samples, gaps)
        spans = self._activity.speech_spans(start, window.stop)
        measured = quality.measure(samples, [(a - start, b - start) for a, b in spans])
        speech_s = self._activity.speech_seconds(start, window.stop)
        new_speech_s = self._activity.speech_seconds(max(start, self._heard_until), window.stop)
        # the gate decides in whole chunks: the rest of this window's speech is the next one's
        self._heard_until = min(window.stop, self._activity.decided_until or 0)
        self.counters.speech_s += new_speech_s
        reasons = self._reasons(window, speech_s, measured)
        arrival = self._arrival(window.stop)
        return HeardWindow(window, speech_s, new_speech_s, measured, reasons, arrival)

    def _reasons(self, window: Window, speech_s: float, measured: quality.Quality) -> tuple[str, ...]:
        found = {
            "gap": bool(window.gaps),
            "not_finite": not measured.finite,
            "too_little_speech": speech_s < self._gate_settings.min_speech_s,
            "clipped": measured.clipping_ratio > self._limits.max_clipped,
            "low_snr": measured.snr_db is not None and measured.snr_db < self._limits.min_snr_db,
        }
        return tuple(reason for reason, holds in found.items() if holds)

    def _arrival(self, position: int) -> Arrival:
        """Of this position: when its sample was captured, and when the block that brought it came."""
        while len(self._arrivals) > 1 and self._arrivals[0].end < position:
            self._arrivals.popleft()
        received_ns = self._arrivals[0].received_ns if self._arrivals else time.monotonic_ns()
        return Arrival(position, self.captured_ns(position), received_ns)
