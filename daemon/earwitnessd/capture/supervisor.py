"""Keeps one stream's capture process running: starts it, notices that it died or hangs, starts it again."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from earwitnessd.capture.cadence import Cadence
from earwitnessd.capture.child import Child, describe_exit
from earwitnessd.capture.job import FINAL_EXITS, Exit, Job, Manner, Pulse
from earwitnessd.capture.line_limiter import LineLimiter
from earwitnessd.capture.words import STOPPED
from earwitnessd.settings.sources import LocalSource

if TYPE_CHECKING:
    from earwitness.events import LinkState

State = Literal[
    "starting",  # a process runs and has not opened its source yet
    "waiting",  # the source is open, no sample has come
    "listening",
    "stopping",
    "backing_off",  # it will be started again
    "paused",
    "finished",  # the recording is over
    "failed",  # it can never work as it is set up
    "stopped",
]

log = logging.getLogger(__name__)

LOOK_S = 1.5  # rarely: who has something to say wakes us, and the heart looks once a second
LOOK_OFTEN_S = 0.25
NEVER_S = 3600.0

LEVELS: Mapping[State, int] = {
    "backing_off": logging.WARNING,
    "failed": logging.ERROR,
    # that it opened is told with more about it by the log of events
    "starting": logging.DEBUG,
    "waiting": logging.DEBUG,
    "listening": logging.DEBUG,
    "stopping": logging.DEBUG,
}
# the rest is the way things go

WORDS: Mapping[State, str] = {"backing_off": "no audio, tried again until there is some"}


@dataclass(frozen=True)
class Patience:
    """How long the supervisor waits for what, in seconds."""

    start_s: float = 15.0
    # for the first pulse: imports, and a Bluetooth headset that opens slowly
    hang_s: float = 3.0
    stop_s: float = 0.5
    # between SIGTERM and SIGKILL
    shortest_back_off_s: float = 0.25
    longest_back_off_s: float = 2.0
    healthy_s: float = 10.0
    # a run that lasts this long starts the back-off from its shortest again
    asleep_s: float = 2.0
    # ticks further apart than this: it was us who stood still, judge nobody


@dataclass(frozen=True)
class Transition:
    """A state was entered."""

    stream: str
    stream_id: str
    # of the process concerned, the last one when none runs
    state: State
    reason: str


@dataclass(frozen=True)
class CaptureStatus:
    """For the heartbeat."""

    stream: str
    stream_id: str
    state: State
    pid: int | None
    restarts: int
    kills: int
    reason: str
    # why the last process ended
    stderr_lines_dropped: int
    link: LinkState | None = None
    # of a satellite


class CaptureSupervisor:
    """Owned by the daemon's main thread: no thread of its own, never waits, takes the time from outside."""

    def __init__(
        self,
        stream: str,
        source: LocalSource,
        audio: str,
        boot: str,
        *,
        environment: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        openings: int = 0,
        cadence: Cadence | None = None,
        manner: Manner | None = None,
    ) -> None:
        """`openings` is the predecessor's where a stream is set up anew: no `stream_id` is used twice."""
        self._stream = stream
        self._source = source
        self._audio = audio
        self._boot = boot
        self._environment = environment
        self._cadence = cadence or Cadence()
        self._manner = manner or Manner()
        self._patience = patience or Patience()
        self._child: Child | None = None
        self._state: State = "stopped"
        self._wanted: Literal["listening", "paused", "stopped"] = "stopped"
        self._first_opening = openings + 1
        self._openings = openings
        self._kills = 0
        self._reason = ""
        self._back_off_s = self._patience.shortest_back_off_s
        self._started_s = self._pulse_s = self._ticked_s = 0.0
        self._due_s = 0.0  # of the SIGKILL while stopping, of the next start while backing off
        self._killed_because = ""
        self._told = ""
        # the reason why there is no audio, as it was last logged
        self._limiter = LineLimiter()
        self._transitions: list[Transition] = []

    @property
    def status(self) -> CaptureStatus:
        """At this moment."""
        return CaptureStatus(
            stream=self._stream,
            stream_id=self.stream_id,
            state=self._state,
            pid=None if self._child is None else self._child.pid,
            restarts=max(0, self._openings - self._first_opening),
            kills=self._kills,
            reason=self._reason,
            stderr_lines_dropped=self._limiter.dropped,
        )

    @property
    def stream_id(self) -> str:
        """Of the process that runs, or ran last."""
        return f"{self._boot[:8]}-{self._stream}-{self._openings}"

    @property
    def openings(self) -> int:
        """Processes started so far, those of predecessors included."""
        return self._openings

    @property
    def running(self) -> bool:
        """There is a process: before the daemon may end, there must be none."""
        return self._child is not None

    def filenos(self) -> list[int]:
        """Poll these for reading, and `tick` when one has something; ask again after every `tick`."""
        return [] if self._child is None else self._child.filenos()

    def due_in_s(self, now_s: float) -> float:
        """Call `tick` after this many seconds at the latest."""
        if self._state in ("stopping", "backing_off"):
            return max(0.0, self._due_s - now_s)
        if self._child is None:
            return NEVER_S
        look_s = LOOK_S if self._child.tells_its_end else LOOK_OFTEN_S
        due_s = self._ticked_s + look_s
        if not self._killed_because:
            due_s = min(due_s, self._pulse_s + self._allowed_s)
        return max(0.0, due_s - now_s)

    def start(self, now_s: float) -> None:
        """The first process; also what `resume` does."""
        self._wanted = "listening"
        self._ticked_s = now_s
        if self._child is None:
            self._back_off_s = self._patience.shortest_back_off_s
            self._spawn(now_s)

    def resume(self, now_s: float) -> None:
        """After `pause`, or to hear a finished recording once more."""
        self.start(now_s)

    def pause(self, now_s: float) -> None:
        """Stop the process, so that the device is free for others."""
        self._stop(now_s, "paused")

    def reopen(self, now_s: float, reason: str) -> None:
        """End the process that runs and start another; nothing where none runs, or it is ending already."""
        if self._child is None or self._state not in ("starting", "waiting", "listening"):
            return
        self._child.signal(signal.SIGTERM)
        self._due_s = now_s + self._patience.stop_s
        self._enter("stopping", reason)

    def tell_speech(self, stream_id: str, *, speaking: bool) -> None:
        """Somebody began to speak on this opening, or stopped: meanwhile audio is wanted less often."""
        if self._child is not None and stream_id == self.stream_id:
            self._child.tell_speech(speaking=speaking)

    def stop(self, now_s: float) -> None:
        """For good; go on polling and ticking until not `running`."""
        self._stop(now_s, "stopped")

    def close(self) -> None:
        """Kill what still runs: the last step of a shutdown, the only one that may wait (half a second)."""
        self._wanted = "stopped"
        if self._child is not None:
            self._child.reap(0.5)
            self._child = None
            self._enter("stopped", "killed at shutdown")

    def tick(self, now_s: float) -> list[Transition]:
        """Do what is due; the states entered since the last tick."""
        if now_s - self._ticked_s > self._patience.asleep_s:
            self._pulse_s = now_s
        self._ticked_s = now_s
        self._listen(now_s)
        self._notice_exit(now_s)
        if self._state == "backing_off" and now_s >= self._due_s:
            self._spawn(now_s)
        elif self._state == "stopping" and now_s >= self._due_s:
            self._kill("did not stop when told to")
            self._due_s = now_s + self._patience.stop_s
        elif self._state in ("starting", "waiting", "listening"):
            self._judge(now_s)
        entered, self._transitions = self._transitions, []
        return entered

    def _spawn(self, now_s: float) -> None:
        self._openings += 1
        job = Job(
            stream=self._stream,
            stream_id=self.stream_id,
            audio=self._audio,
            source=self._source,
            cadence=self._cadence,
            manner=self._manner,
            parent_pid=os.getpid(),
        )
        try:
            self._child = Child(job, self._environment, self._limiter)
        except OSError as error:
            self._back_off(now_s, f"cannot start a capture process: {error}")
            return
        self._killed_because = ""
        self._started_s = self._pulse_s = now_s
        self._enter("starting", "")

    def _listen(self, now_s: float) -> None:
        child = self._child
        if child is None or not child.read(now_s):
            return
        self._pulse_s = now_s
        if self._state in ("starting", "waiting") and child.pulse == Pulse.LISTENING:
            self._enter("listening", "")
        elif self._state == "starting" and child.pulse == Pulse.WAITING:
            self._enter("waiting", "")
        if self._state == "listening" and now_s - self._started_s >= self._patience.healthy_s:
            self._back_off_s = self._patience.shortest_back_off_s

    @property
    def _allowed_s(self) -> float:
        """For how long it may be silent."""
        return self._patience.start_s if self._state == "starting" else self._patience.hang_s

    def _judge(self, now_s: float) -> None:
        silent_s = now_s - self._pulse_s
        if silent_s > self._allowed_s and not self._killed_because:
            self._kill(f"no sign of life for {silent_s:.1f} s")

    def _kill(self, reason: str) -> None:
        assert self._child is not None
        self._kills += not self._killed_because
        self._killed_because = reason
        log.warning("capture %s[%d]: %s: killing it", self._stream, self._child.pid, reason)
        self._child.signal(signal.SIGKILL)

    def _stop(self, now_s: float, wanted: Literal["paused", "stopped"]) -> None:
        if self._wanted == "stopped":
            return
        self._wanted = wanted
        if self._child is None:
            if wanted == "stopped" or self._state == "backing_off":
                self._enter(wanted, "")
        elif self._state != "stopping":
            self._child.signal(signal.SIGTERM)
            self._due_s = now_s + self._patience.stop_s
            self._enter("stopping", wanted)

    def _notice_exit(self, now_s: float) -> None:
        child = self._child
        if child is None or (status := child.exit_status()) is None:
            return
        child.read(now_s)
        child.close()
        self._child = None
        stopping = self._state == "stopping"
        self._reason = self._killed_because or child.reason or describe_exit(status)
        if self._wanted != "listening":
            self._enter(self._wanted, self._reason)
        elif stopping:  # to be reopened, or resumed before the pause was complete
            self._spawn(now_s)
        elif status in FINAL_EXITS:
            self._enter("finished" if status == Exit.FINISHED else "failed", self._reason)
        else:
            self._back_off(now_s, self._reason)

    def _back_off(self, now_s: float, reason: str) -> None:
        self._reason = reason
        self._due_s = now_s + self._back_off_s
        self._back_off_s = min(2 * self._back_off_s, self._patience.longest_back_off_s)
        self._enter("backing_off", reason)

    def _enter(self, state: State, reason: str) -> None:
        self._state = state
        self._transitions.append(Transition(self._stream, self.stream_id, state, reason))
        level = logging.DEBUG if self._said_before(state, reason) else LEVELS.get(state, logging.INFO)
        fields = {"event": f"capture.{state}", "stream": self._stream, "stream_id": self.stream_id}
        words, why = WORDS.get(state, state), "" if reason in {"", STOPPED} else f" ({reason})"
        log.log(level, "stream %s: %s%s", self._stream, words, why, extra={"earwitness": fields})

    def _said_before(self, state: State, reason: str) -> bool:
        """A device that is away for a week is told of once, not with each try."""
        again = state == "backing_off" and reason == self._told
        if state in ("backing_off", "listening"):
            self._told = reason
        return again
