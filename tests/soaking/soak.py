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
from earwitnessd.hearing import RECORDED_BATCH
from tests.daemon.harness import Daemon
from tests.faults.clocks import Clocks

from .gauge import HeapGauge
from .mischief import Mischief
from .sampling import Sample, sample

KEPT_EVENTS = 100  # for subscribers that missed some: so few are there soon
RESTS = 16  # about, in all; more in a long soak
MOST_BETWEEN_RESTS_S = 120.0
IDLE_AFTER_S = 1.0  # of the last audio
LOOKS = 3  # at a moment of rest: a message under way is in use, too
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


@dataclass(frozen=True, slots=True)
class Rest:
    """All streams are paused, and what lay free in the heap was given back."""

    at_s: float
    # since the soak began
    in_use_mb: float
    # given out by the heap
    own_mb: float
    # resident in the daemon's main process, in no file


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
    # without a fault, before and after everything
    rests: list[Rest] = field(default_factory=list)
    # now and then
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
def patient(folder: Path, plan: Plan) -> Iterator[tuple[Daemon, Mischief, HeapGauge]]:
    """A daemon that hears recordings and one pipe, with everybody of the bundled conversation enrolled."""
    conversation = load_conversation()
    recording = {"source": "file", "path": str(FOLDER / conversation.file), "loop": True}
    fifo = folder / "line"
    samples, _ = soundfile.read(FOLDER / conversation.file, dtype="int16")
    streams: dict[str, Any] = {f"room{number}": recording for number in range(1, plan.streams)}
    streams["line"] = {"source": "pipe", "path": str(fifo)}
    settings: dict[str, Any] = {"model": plan.model, "streams": streams}
    clocks, gauge = Clocks(folder), HeapGauge(folder)
    preloaded = f"{clocks.environment['LD_PRELOAD']}:{gauge.environment['LD_PRELOAD']}"
    environment = {**clocks.environment, **gauge.environment, "LD_PRELOAD": preloaded}
    feeder = Feeder(fifo, samples)
    feeder.start()
    try:
        waiting = Daemon(folder, settings, environment=environment)
        settings["sockets"] = {
            "events": waiting.events_endpoint,
            "control": waiting.control_endpoint,
            "replay_events": KEPT_EVENTS,
        }
        waiting.write(settings)
        with waiting as daemon:
            for enrolment in conversation.enrolments:
                daemon.control.enroll_audio(enrolment.speaker, FOLDER / enrolment.file)
            mischief = Mischief(daemon, settings, recording, clocks, Random(plan.seed))
            try:
                yield daemon, mischief, gauge
            finally:
                mischief.close()
    finally:
        feeder.over.set()
        feeder.join(5.0)


class Soak:
    """One run; owned by one thread."""

    def __init__(self, plan: Plan) -> None:
        self.diary = Diary(plan)
        self._rest_due_s = 0.0
        self._resting = False
        self._pending: tuple[str, float] | None = None
        # the fault that the streams have not yet recovered from, and when it was

    def run(self) -> Diary:
        """Until the minutes are over."""
        with (
            tempfile.TemporaryDirectory(prefix="ew-") as folder,
            patient(Path(folder), self.diary.plan) as all_three,
        ):
            self._daemon, self._mischief, self._gauge = all_three
            self._began_s = time.monotonic()
            self._warm_up()
            self._listen(QUIET_S, until_live=True)
            before = self._look()
            over_s = 60 * self.diary.plan.minutes - QUIET_S
            self.diary.warm_s = self._now_s()
            self._rest()
            while self._now_s() < over_s:
                self._harm()
                self._listen(self.diary.plan.fault_every_s)
                if self._now_s() >= self._rest_due_s and not self._mischief.spare_is_there:
                    self._listen(0.0, until_live=True)
                    self._rest()
            self._mischief.close()
            self._listen(QUIET_S, until_live=True)
            self.diary.quiet = (before, self._look())
            self._rest()
        return self.diary

    def _warm_up(self) -> None:
        """Whatever takes memory for good, once: it must be no growth later.

        A library keeps memory for each size of batch that it has computed, so each has its turn.
        """
        for windows in range(1, RECORDED_BATCH + 1):
            self._mischief.enrol_windows(windows)
        for mischief in (self._mischief.stall, self._mischief.hostile, self._mischief.enrol_and_delete):
            mischief()
            self._listen(1.0)

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _look(self) -> Sample:
        return sample(self._daemon.pid, self._now_s())

    def _rest(self) -> None:
        """What is in use: no batch is computed, and the daemon gives back what lies free when it reloads."""
        control, streams = self._daemon.control, list(self._mischief.settled)
        self._resting = True
        for stream in streams:
            control.pause(stream)
        self._listen(IDLE_AFTER_S)
        in_use_mb = []
        for _ in range(LOOKS):
            control.reload()
            in_use_mb.append(self._gauge.given_out_mb)
            self._listen(IDLE_AFTER_S / LOOKS)
        now = self._look()
        self.diary.rests.append(Rest(now.at_s, min(in_use_mb), now.own_mb))
        for stream in streams:
            control.resume(stream)
        self._resting = False
        self._rest_due_s = self._now_s() + min(MOST_BETWEEN_RESTS_S, 60 * self.diary.plan.minutes / RESTS)
        self._listen(IDLE_AFTER_S)

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
            if not self._resting:
                self.diary.samples.append(self._look())
                self._recovered(event)

    def _recovered(self, beat: Heartbeat) -> None:
        live = sum(stream.state == "live" for stream in beat.streams)
        if self._pending and live == len(beat.streams) == self._mischief.streams:
            fault, at_s = self._pending
            if self._now_s() - at_s < SHOWS_AFTER_S.get(fault, 0.0):
                return
            self.diary.back_s.append((fault, self._now_s() - at_s))
            self._pending = None
