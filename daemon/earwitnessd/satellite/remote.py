"""One stream whose microphone is elsewhere, as the main thread sees it: its link, its clock, what came."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from earwitness.events import LinkCondition, LinkState, SatelliteCut
from earwitnessd.capture.supervisor import CaptureStatus, State, Transition
from earwitnessd.capture.words import STOPPED, AnyMessage, Audio, Ended, Lost, Silent
from earwitnessd.satellite.clock import ClockEstimate, Exchange
from earwitnessd.satellite.conduct import Conduct
from earwitnessd.satellite.hearsay import Hearsay, LieError
from earwitnessd.satellite.link import SILENT_S, Answer, Ask, Hello, Taken, Welcome, Word

NS = 1_000_000_000
ASK_S = 1.0
ASK_FIRST_S = 0.2
# until the clock is known from a few exchanges
FIRST_ASKS = 5
KEPT_ASKS = 32
# that may still be answered
TELL_TAKEN_EVERY = 4
# blocks
LONGEST_WORD = 200
# characters of what a satellite says for people

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """How a stream's words reach others."""

    to_engine: Callable[[AnyMessage, list[bytes]], None]
    # a message, and the frames of samples behind it
    to_satellite: Callable[[bytes, Word], None]
    # by its routing id
    publish: Callable[[SatelliteCut], object]


class RemoteStream:
    """Owned by the main thread; stands where a capture supervisor stands for a microphone of this machine."""

    def __init__(self, stream: str, key: str, boot: str, way: Way, openings: int = 0) -> None:
        self.stream = stream
        self.key = key
        self.conduct = Conduct()
        self._boot = boot
        self._way = way
        self._openings = openings
        self._first_opening = openings + 1
        self._hearsay = Hearsay(stream, self._new_stream_id)
        self._paused = True
        self._stopped = False
        self._link: LinkCondition = "waiting"
        self._identity = b""
        # of the connection that is the link
        self._hello: Hello | None = None
        self._address = ""
        self._links = 0
        self._taken = -1
        self._told_taken = -1
        self._heard_s = self._ask_due_s = 0.0
        self._asked = 0
        self._asks: deque[int] = deque(maxlen=KEPT_ASKS)
        self._clock = ClockEstimate()
        self._offset_ns = 0
        self._answer: Answer | None = None
        self._wall_offset_ns: int | None = None
        self._drift_ppm: float | None = None
        self._round_trip_s: float | None = None
        self.cut_because = ""
        self._reason = ""
        self._lost_samples = 0

    @property
    def status(self) -> CaptureStatus:
        """At this moment."""
        return CaptureStatus(
            stream=self.stream,
            stream_id=self.stream_id,
            state=self._state(),
            pid=None,
            restarts=max(0, self._openings - self._first_opening),
            kills=0,
            reason=self._reason or self._their_reason(),
            stderr_lines_dropped=0,
            link=self._link_state(),
        )

    @property
    def stream_id(self) -> str:
        """Of the opening that is, or was last."""
        return f"{self._boot[:8]}-{self.stream}-{max(1, self._openings)}"

    @property
    def openings(self) -> int:
        """So far, those of predecessors included."""
        return self._openings

    @property
    def running(self) -> bool:
        """Nothing of this machine runs for it."""
        return False

    def filenos(self) -> list[int]:
        """The gateway has the socket."""
        return []

    def due_in_s(self, now_s: float) -> float:
        """Call `tick` after this many seconds at the latest."""
        if self._link == "cut_off":
            return self.conduct.banned_s(now_s)
        if self._link != "up":
            return 3600.0
        return max(0.0, min(self._ask_due_s, self._heard_s + SILENT_S) - now_s)

    def start(self, now_s: float) -> None:
        """Listen; also what `resume` does."""
        self._paused = False
        self._ask_due_s = now_s

    def resume(self, now_s: float) -> None:
        """After `pause`: the satellite opens its microphone again."""
        self.start(now_s)

    def pause(self, now_s: float) -> None:
        """The satellite is told to let go of its microphone."""
        self._paused = True
        self._end("paused", final=True)
        self._ask_due_s = now_s

    def reopen(self, _now_s: float, reason: str) -> None:
        """What comes from now on does not join what came."""
        self._end(reason, final=False)

    def tell_speech(self, stream_id: str, *, speaking: bool) -> None:
        """It does not matter there: a satellite sends as its own settings say."""

    def stop(self, _now_s: float) -> None:
        """For good."""
        self._stopped = True
        self._end(STOPPED, final=False)

    def close(self) -> None:
        """Nothing is left to be ended."""

    def tick(self, now_s: float) -> list[Transition]:
        """Ask the satellite how it is; notice that it has fallen silent."""
        if self._link == "up" and now_s >= self._heard_s + SILENT_S:
            self._link = "down"
            self._reason = f"nothing came from the satellite for {now_s - self._heard_s:.1f} s"
            log.warning("stream %s: %s", self.stream, self._reason)
            self._end(self._reason, final=False)
        elif self._link == "up" and now_s >= self._ask_due_s:
            self._ask(now_s)
        elif self._link == "cut_off" and not self.conduct.banned_s(now_s):
            self._link = "down"
        return []

    # What the gateway tells us

    def in_use_by_another(self, identity: bytes, run: str) -> bool:
        """Whether another satellite with the same key is being heard: one of the two must be a copy."""
        theirs = self._hello is not None and self._hello.run == run
        return self._link == "up" and not theirs and identity != self._identity

    def silent_in_s(self, now_s: float) -> float:
        """When the link is taken to be gone if nothing more comes."""
        return max(0.0, self._heard_s + SILENT_S - now_s)

    def is_link(self, identity: bytes) -> bool:
        """Whether this connection is the one that is heard."""
        return self._link == "up" and identity == self._identity

    def on_hello(self, identity: bytes, hello: Hello, address: str, now_s: float) -> None:
        """It comes, or comes back."""
        same = self._hello is not None and self._hello.run == hello.run
        if not same:
            self._end("another satellite took over" if self._link == "up" else "it was started anew", False)
            self._hearsay.forget()
            self._taken = self._told_taken = -1
            self._clock = ClockEstimate()
            self._answer = None
        self._hello, self._identity, self._address = hello, identity, address
        self._link, self._reason = "up", ""
        self._links += 1
        self._heard_s, self._ask_due_s, self._asked = now_s, now_s, 0
        log.info("stream %s: satellite %s is there, at %s", self.stream, self.key, address)
        self._say(Welcome(boot=self._boot, stream=self.stream, taken=self._taken))
        self._ask(now_s)

    def on_answer(self, answer: Answer, now_s: float) -> None:
        """How it is, and what its clock says."""
        if answer.asked_ns not in self._asks:
            raise LieError("an answer to what was not asked")
        self._heard_s, self._answer = now_s, answer
        now_ns = time.monotonic_ns()
        self._clock.add(Exchange(answer.asked_ns, answer.heard_ns, answer.answered_ns, now_ns))
        found = self._clock.estimate(now_ns)
        if found is None:
            return
        self._offset_ns = round(found.offset_s * NS)
        self._drift_ppm, self._round_trip_s = found.drift_ppm, found.round_trip_s
        ours_when_answered = time.time_ns() - (now_ns - (answer.answered_ns - self._offset_ns))
        self._wall_offset_ns = answer.wall_ns - ours_when_answered

    def on_block(self, number: int, message: AnyMessage, data: list[bytes], now_s: float) -> None:
        """A message of its capture process; LieError when it cannot be true."""
        self._heard_s = now_s
        if number and number <= self._taken:
            return  # it was sent again, because we had no time to say that it came
        if self._answer is None:
            raise LieError("audio before the first answer about its clock")
        if not self._paused:
            self._hear(message, data)
        if number:
            self._taken = number
            if self._taken >= self._told_taken + TELL_TAKEN_EVERY or self._told_taken > self._taken:
                self.tell_taken()

    def tell_taken(self) -> None:
        """So that the satellite can forget it."""
        if self._taken >= 0:
            self._told_taken = self._taken
            self._say(Taken(number=self._taken))

    def cut(self, reason: str, now_s: float) -> float:
        """Cut it off, and say so to everybody; for how many seconds."""
        ban_s = self.conduct.ban(now_s)
        self.cut_because = f"cut off: {reason}"
        self._link, self._reason = "cut_off", f"the satellite is {self.cut_because}"
        self._hello = None  # whatever it says next, it begins anew
        log.warning("stream %s: %s, for %.0f s", self.stream, self._reason, ban_s)
        self._end(self._reason, final=False)
        self._hearsay.forget()
        self._way.publish(
            SatelliteCut(
                stream=self.stream, key=self.key, address=self._address, reason=reason, refused_s=ban_s
            )
        )
        return ban_s

    def _hear(self, message: AnyMessage, data: list[bytes]) -> None:
        now_ns = time.monotonic_ns()
        captured_ns = message.monotonic_ns - self._offset_ns
        size = sum(len(frame) for frame in data)
        said = self._hearsay.take(message, size, captured_ns, now_ns)
        if isinstance(message, Ended):
            self._reason = message.reason[:LONGEST_WORD]
        for each in said:
            if isinstance(each, Lost) and each.reason == "link":
                self._lost_samples += each.samples
            self._way.to_engine(each, data if isinstance(each, Audio | Silent) else [])

    def _new_stream_id(self) -> str:
        self._openings += 1
        self._reason = ""
        return self.stream_id

    def _end(self, reason: str, final: bool) -> None:
        for each in self._hearsay.end(reason, final, time.monotonic_ns()):
            self._way.to_engine(each, [])

    def _ask(self, now_s: float) -> None:
        self._asked += 1
        self._ask_due_s = now_s + (ASK_FIRST_S if self._asked < FIRST_ASKS else ASK_S)
        self._asks.append(time.monotonic_ns())
        self._say(Ask(asked_ns=self._asks[-1], listening=not self._paused))
        self.tell_taken()

    def _say(self, word: Word) -> None:
        self._way.to_satellite(self._identity, word)

    def _their_reason(self) -> str:
        """Why the satellite hears nothing, as it says."""
        if self._answer is None or self._link != "up" or self._hearsay.is_open:
            return ""
        return self._answer.reason[:LONGEST_WORD]

    def _state(self) -> State:
        if self._stopped:
            return "stopped"
        if self._paused:
            return "paused"
        if self._hearsay.is_open:
            return "listening"
        theirs = self._answer.state if self._answer and self._link == "up" else ""
        if theirs in {"finished", "failed"}:
            return "finished" if theirs == "finished" else "failed"
        return "backing_off" if self._links else "starting"

    def _link_state(self) -> LinkState:
        answer, hello = self._answer, self._hello
        return LinkState(
            state=self._link,
            key=self.key,
            address=self._address,
            machine=hello.machine[:LONGEST_WORD] if hello else "",
            version=hello.version[:LONGEST_WORD] if hello else "",
            round_trip_ms=_ms(self._round_trip_s),
            clock_offset_ms=None if self._wall_offset_ns is None else self._wall_offset_ns / 1e6,
            drift_ppm=self._drift_ppm,
            waiting_s=answer.waiting_s if answer and self._link == "up" else 0.0,
            links=self._links,
            lost_samples=self._lost_samples,
            refused=self.conduct.refused,
            cuts=self.conduct.cuts,
        )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
