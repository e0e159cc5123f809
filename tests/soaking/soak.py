"""Runs a daemon for minutes or hours, harms it every few seconds, and takes samples."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import soundfile

from earwitness.events import Event, Heartbeat, WindowScored
from earwitnessd.demo.conversation import FOLDER, load_conversation
from tests.daemon.harness import Daemon
from tests.faults.clocks import Clocks

from .mischief import Mischief
from .sampling import Sample, sample

WARM_UP = 0.25  # of the time: caches fill, and the allocator finds its size
MOST_WARM_UP_S = 600.0
BATCHES_OF_S = (0.7, 1.0, 1.3, 1.6, 1.9, 2.2, 1.6, 1.0)
# stalls of these lengths at first: a library keeps memory for each size of batch that it has computed
QUIET_S = 10.0  # without a fault, before the first and after the last
SHOWS_AFTER_S = {"freeze capture": 4.0}  # until then, a stream only seems to be live
BLOCK_S = 0.1  # of what goes into the pipe
RATE = 16_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do."""

    minutes: float = 3.0
    streams: int = 4
    fault_every_s: float = 5.0
    seed: int = 1
    model: str = "builtin"


@dataclass(slots=True)
class Diary:
    """What was seen."""

    plan: Plan
    samples: list[Sample] = field(default_factory=list)
    latencies_ms: list[tuple[float, float]] = field(default_factory=list)
    # when, and from a window's last sample to its publishing
    faults: Counter[str] = field(default_factory=Counter)
    back_s: list[tuple[str, float]] = field(default_factory=list)
    # fault, and how long until all streams were live
    boots: set[str] = field(default_factory=set)
    events: int = 0
    warm_s: float = 0.0
    # samples before this do not count
    quiet: tuple[Sample | None, Sample | None] = (None, None)
    # at rest, before and after everything
    last: Heartbeat | None = None


class Feeder(threading.Thread):
    """Speaks into a FIFO at the pace of a microphone; whatever is not read is lost."""

    def __init__(self, file: Path, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        super().__init__(name="feeder", daemon=True)
        os.mkfifo(file)
        self._file = file
        self._samples = samples
        self.over = threading.Event()

    def run(self) -> None:
        """Reading and writing, so that opening never waits and a reader may come and go."""
        fifo = os.open(self._file, os.O_RDWR | os.O_NONBLOCK)
        block, position, due_s = round(BLOCK_S * RATE), 0, time.monotonic()
        while not self.over.wait(max(0.0, due_s - time.monotonic())):
            due_s += BLOCK_S
            taken = np.take(self._samples, range(position, position + block), mode="wrap")
            position = (position + block) % len(self._samples)
            try:
                os.write(fifo, taken.tobytes())
            except BlockingIOError:
                continue
        os.close(fifo)


@contextmanager
def patient(folder: Path, plan: Plan) -> Iterator[tuple[Daemon, Mischief]]:
    """A daemon that hears recordings and one pipe, with everybody of the bundled conversation enrolled."""
    conversation = load_conversation()
    recording = {"source": "file", "path": str(FOLDER / conversation.file), "loop": True}
    fifo = folder / "line"
    samples, _ = soundfile.read(FOLDER / conversation.file, dtype="int16")
    streams: dict[str, Any] = {f"room{number}": recording for number in range(1, plan.streams)}
    streams["line"] = {"source": "pipe", "path": str(fifo)}
    settings = {"model": plan.model, "streams": streams}
    clocks = Clocks(folder)
    feeder = Feeder(fifo, samples)
    feeder.start()
    try:
        with Daemon(folder, settings, environment=clocks.environment) as daemon:
            for enrolment in conversation.enrolments:
                daemon.control.enroll_audio(enrolment.speaker, FOLDER / enrolment.file)
            mischief = Mischief(daemon, settings, recording, clocks, Random(plan.seed))
            try:
                yield daemon, mischief
            finally:
                mischief.close()
    finally:
        feeder.over.set()
        feeder.join(5.0)


class Soak:
    """One run; owned by one thread."""

    def __init__(self, plan: Plan) -> None:
        self.diary = Diary(plan)
        self._pending: tuple[str, float] | None = None
        # the fault that the streams have not yet recovered from, and when it was

    def run(self) -> Diary:
        """Until the minutes are over."""
        with (
            tempfile.TemporaryDirectory(prefix="ew-") as folder,
            patient(Path(folder), self.diary.plan) as both,
        ):
            self._daemon, self._mischief = both
            self._began_s = time.monotonic()
            self._warm_up()
            self._listen(QUIET_S, until_live=True)
            before = self._rest()
            over_s = 60 * self.diary.plan.minutes - QUIET_S
            self.diary.warm_s = self._now_s() + min(MOST_WARM_UP_S, WARM_UP * (over_s - self._now_s()))
            while self._now_s() < over_s:
                self._harm()
                self._listen(self.diary.plan.fault_every_s)
            self._mischief.close()
            self._listen(QUIET_S, until_live=True)
            self.diary.quiet = (before, self._rest())
        return self.diary

    def _warm_up(self) -> None:
        """Everything that takes memory for good, once: it must be no growth later."""
        for for_s in BATCHES_OF_S:
            self._mischief.stall(for_s)
            self._listen(1.0)
        for mischief in (self._mischief.enrol_and_delete, self._mischief.hostile):
            for _ in range(4):
                mischief()
                self._listen(0.5)

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _rest(self) -> Sample:
        return sample(self._daemon.pid, self._now_s())

    def _harm(self) -> None:
        began_s = self._now_s()
        name = self._mischief.do()
        self.diary.faults[name] += 1
        if self._pending is None:
            self._pending = (name, began_s)

    def _listen(self, for_s: float, *, until_live: bool = False) -> None:
        """Take notes for so long, and with `until_live` for as long as a stream is away, within reason."""
        until_s = self._now_s() + for_s
        most_s = until_s + 60.0
        while self._now_s() < until_s or (until_live and self._pending and self._now_s() < most_s):
            assert self._daemon.process.poll() is None, f"the daemon is dead\n{self._daemon.log[-5000:]}"
            item = self._daemon.subscription.receive(0.5)
            if isinstance(item, Event):
                self._note(item)

    def _note(self, event: Event) -> None:
        self.diary.events += 1
        self.diary.boots.add(event.boot)
        if isinstance(event, WindowScored) and event.scores:
            self.diary.latencies_ms.append((self._now_s(), event.latency_ms.total))
        if isinstance(event, Heartbeat) and not event.replayed:
            self.diary.last = event
            self.diary.samples.append(self._rest())
            self._recovered(event)

    def _recovered(self, beat: Heartbeat) -> None:
        live = sum(stream.state == "live" for stream in beat.streams)
        if self._pending and live == len(beat.streams) == self._mischief.streams:
            fault, at_s = self._pending
            if self._now_s() - at_s < SHOWS_AFTER_S.get(fault, 0.0):
                return
            self.diary.back_s.append((fault, self._now_s() - at_s))
            self._pending = None
