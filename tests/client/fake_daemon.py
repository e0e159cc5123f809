"""Play a plausible day at the desk over real sockets: `python -m tests.client.fake_daemon DIRECTORY`.

For looking at the dashboard and for the command line's tests; `--fast` sends the history at once.
"""

from __future__ import annotations

import argparse
import math
import threading
from pathlib import Path

from earwitness.control import (
    AnyMethod,
    CancelEnrollment,
    DeleteProfile,
    Done,
    EnrollAudio,
    Enrolled,
    EnrollLive,
    Enrolment,
    GetStatus,
    ListGroups,
    ListProfiles,
    PauseStream,
    Problem,
    Reload,
    Reloaded,
    SetProfile,
    ShowProfile,
    Status,
)
from earwitness.events import (
    DaemonStarted,
    EnrollProgress,
    Event,
    StreamGap,
    StreamLost,
    StreamOpened,
)

from .events import heartbeat, stream_state, window
from .fake_desk import HOP_S, PEOPLE, Desk
from .fake_people import answer_about_people, profile, progress_after
from .fake_publisher import Answer, FakeControl, FakePublisher

MODEL = "microsoft/wavlm-base-plus-sv"


def opened(stream: str, device: str) -> StreamOpened:
    return StreamOpened(
        stream=stream,
        stream_id=f"{stream}-1",
        start=0,
        stop=0,
        device=device,
        native_rate=48_000,
        native_channels=2,
        paced=True,
    )


def started() -> DaemonStarted:
    return DaemonStarted(
        version="0.1.0",
        pid=4242,
        model=MODEL,
        model_id="wavlm-3f2a",
        device="cpu (1 thread)",
        streams=["desk", "kitchen"],
    )


class FakeDaemon:
    """Two streams and three people; answers control requests as the contract says."""

    def __init__(self, directory: Path) -> None:
        self.publisher = FakePublisher(f"ipc://{directory}/events")
        self.control = FakeControl(f"ipc://{directory}/control", self._answer)
        self.stopping = threading.Event()
        self._desk = Desk()
        self._hops = 0
        self._kitchen_lost = False
        self._enrolling: EnrollProgress | None = None

    def run(self, hops: int, *, fast: bool) -> None:
        """Publish so many hops, or until stopped."""
        with self.publisher, self.control:
            self.publisher.publish(started(), opened("desk", "USB Audio, Blue Yeti"))
            self.publisher.publish(opened("kitchen", "satellite kitchen-pi"))
            while self._hops < hops and not self.stopping.is_set():
                self._hop()
                if not fast:
                    self.stopping.wait(HOP_S)
            if fast:
                while not self.stopping.wait(1.0):
                    self.publisher.publish(self._beat())

    def _hop(self) -> None:
        self._hops += 1
        if self._hops % 2 == 0:
            self.publisher.publish(self._beat())
        self.publisher.publish(*self._desk.hop())
        self._kitchen()
        if self._enrolling is not None:
            self._enrol_further(self._enrolling)

    def _kitchen(self) -> None:
        position = self._desk.position
        if self._hops == 20:
            self.publisher.publish(
                StreamGap(
                    stream="kitchen",
                    stream_id="kitchen-1",
                    start=position - 5120,
                    stop=position,
                    samples=5120,
                    reason="overflow",
                )
            )
        if self._hops in (52, 60):
            self._kitchen_lost = self._hops == 52
            device_gone = StreamLost(
                stream="kitchen",
                stream_id="kitchen-1",
                start=0,
                stop=position,
                reason="the satellite does not answer",
                final=False,
            )
            back = opened("kitchen", "satellite kitchen-pi")
            self.publisher.publish(device_gone if self._kitchen_lost else back)
        if not self._kitchen_lost:
            level = -48.0 + 3.0 * math.sin(self._hops / 3)
            quiet = window(position, stream="kitchen", level_dbfs=level, inconclusive=["too_little_speech"])
            self.publisher.publish(quiet)

    def _beat(self) -> Event:
        desk = stream_state(
            "desk",
            device="USB Audio, Blue Yeti",
            position=self._desk.position,
            speaking=self._desk.speaking,
            speaker=self._desk.verdict,
        )
        late = self._hops >= 20
        kitchen = stream_state(
            "kitchen",
            device="satellite kitchen-pi",
            state="lost" if self._kitchen_lost else "live",
            reason="the satellite does not answer" if self._kitchen_lost else "",
            level_dbfs=None if self._kitchen_lost else -48.0,
            lost_samples=5120 if late else 0,
            gaps=int(late),
            overflows=int(late),
        )
        return heartbeat(
            [desk, kitchen], uptime_s=7380.0 + HOP_S * self._hops, model=MODEL, profiles=len(PEOPLE)
        )

    def _enrol_further(self, progress: EnrollProgress) -> None:
        speech_s = min(progress.needed_s, progress.speech_s + 0.5)
        done = speech_s >= progress.needed_s
        self._enrolling = None if done else progress_after(progress, speech_s, "listening", "keep talking")
        self.publisher.publish(self._enrolling or progress_after(progress, speech_s, "done", ""))

    def _answer(self, method: AnyMethod, attachment: bytes | None) -> Answer:
        match method:
            case ListProfiles() | SetProfile() | ListGroups():
                return answer_about_people(method)
            case GetStatus():
                beat = heartbeat(
                    [stream_state("desk", device="USB Audio, Blue Yeti")], uptime_s=7380.0, model=MODEL
                )
                return Status(version="0.1.0", pid=4242, boot=self.publisher.boot, heartbeat=beat)
            case ShowProfile(name=name) if name in PEOPLE:
                return profile(name)
            case ShowProfile(name=name) | DeleteProfile(name=name) if name not in PEOPLE:
                return Problem(
                    code="not_found", message=f"{name} is not enrolled; see `earwitness profiles list`"
                )
            case EnrollLive():
                return self._begin(method)
            case CancelEnrollment():
                if self._enrolling is not None:
                    cancelled = progress_after(self._enrolling, 0.0, "cancelled", "")
                    self._enrolling = None
                    self.publisher.publish(cancelled)
                return Done(message="cancelled")
            case EnrollAudio(name=name):
                if not (attachment or b"").startswith(b"RIFF"):
                    return Problem(code="refused", message="this is not a sound file that can be read")
                return Enrolled(
                    name=name, exemplars=1, speech_s=14.0, consistency=0.81, snr_db=27.0, warnings=[]
                )
            case PauseStream(stream=stream) if stream not in ("desk", "kitchen"):
                return Problem(code="not_found", message=f"no stream {stream}; there are: desk, kitchen")
            case Reload():
                return Reloaded(profiles=3, changed=["gate.floor_s"], restart_needed=[])
            case _:
                return Done()

    def _begin(self, method: EnrollLive) -> Answer:
        if method.name == "stranger":
            return Problem(code="conflict", message="an enrolment is already running on desk")
        self._enrolling = EnrollProgress(
            enrolment="e-1",
            stream=method.stream or "desk",
            speaker=method.name,
            state="listening",
            speech_s=0.0,
            needed_s=method.speech_s,
            hint="please talk",
            level_dbfs=-24.0,
            snr_db=26.0,
            consistency=0.83,
            consistency_llr=3.1,
            session_snr_db=26.0,
            channel="wideband",
        )
        return Enrolment(enrolment="e-1", stream=method.stream or "desk", needed_s=method.speech_s)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--hops", type=int, default=100_000)
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    FakeDaemon(options.directory).run(options.hops, fast=options.fast)
