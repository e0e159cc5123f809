"""Play a plausible day at the desk over real sockets: `python -m tests.client.fake_daemon DIRECTORY`.

For looking at the dashboard and for the command line's tests; `--fast` sends the history at once.
"""

from __future__ import annotations

import argparse
import math
import random
import threading
from pathlib import Path

import msgspec

from earwitness.control import (
    AnyMethod,
    CancelEnrollment,
    DeleteProfile,
    Done,
    EnrollAudio,
    Enrolled,
    EnrollLive,
    Enrolment,
    Exemplar,
    GetStatus,
    Groups,
    GroupState,
    ListGroups,
    ListProfiles,
    PauseStream,
    Problem,
    Profile,
    Profiles,
    ProfileSummary,
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
    SpeakerChanged,
    SpeechStarted,
    SpeechStopped,
    StreamGap,
    StreamLost,
    StreamOpened,
)

from .events import HOP, WINDOW, heartbeat, lost, stream_state, unknown, verified, window
from .fake_publisher import Answer, FakeControl, FakePublisher

HOP_S = 0.5
PEOPLE = ("anna", "bert", "cora")
MODEL = "microsoft/wavlm-base-plus-sv"
NOBODY, STRANGER = "", "?"
# who speaks at the desk, and for how many hops
SCRIPT = (
    (NOBODY, 3),
    ("anna", 14),
    (NOBODY, 3),
    ("bert", 12),
    (NOBODY, 2),
    (STRANGER, 9),
    (NOBODY, 2),
    ("anna", 16),
    (NOBODY, 4),
    ("cora", 10),
)


class Desk:
    """The scripted stream: each step returns what the daemon would publish for one hop."""

    def __init__(self, seed: int = 7) -> None:
        self._chance = random.Random(seed)
        self._hops = [who for who, hops in SCRIPT for _ in range(hops)]
        self._step = 0
        self._heard = 0  # hops in a row of the present voice
        self._speaker = NOBODY
        self._verdict: str | None = None
        self.position = WINDOW

    @property
    def speaking(self) -> bool:
        return self._speaker != NOBODY

    @property
    def verdict(self) -> str | None:
        return self._verdict if self._verdict in PEOPLE else None

    def hop(self) -> list[Event]:
        who = self._hops[self._step % len(self._hops)]
        self._step += 1
        self.position += HOP
        events: list[Event] = []
        if who != self._speaker:
            events += self._turn(who)
        self._heard += 1
        level = self._chance.gauss(-22.0 if who else -52.0, 2.5)
        why = [] if who and self._heard > 2 else ["too_little_speech"]
        scores = self._scores(who) if who or self._heard <= 2 else {}
        events.append(
            window(
                self.position,
                scores,
                level_dbfs=level,
                inconclusive=why,
                embed_ms=abs(self._chance.gauss(61.0, 6.0)) + (60.0 if self._chance.random() < 0.03 else 0.0),
            )
        )
        if who and self._heard > 3:
            events += self._decide(who, scores)
        elif not who and self._heard == 4 and self._verdict is not None:
            events.append(lost(self.verdict, position=self.position))
            self._verdict = None
        return events

    def _turn(self, who: str) -> list[Event]:
        started, ended = who and not self._speaker, self._speaker and not who
        self._speaker, self._heard = who, 0
        place = {"stream": "desk", "stream_id": "desk-1", "stop": self.position}
        if started:
            return [SpeechStarted(start=self.position - HOP, **place)]  # type: ignore[arg-type]  # mixed dict
        if ended:
            return [SpeechStopped(start=self.position - 6 * HOP, **place)]  # type: ignore[arg-type]  # mixed dict
        return []

    def _scores(self, who: str) -> dict[str, float]:
        rise = min(1.0, self._heard / 4)
        return {
            name: self._chance.gauss(
                0.34 + (0.44 * rise if name == who else 0.05 * math.sin(len(name))), 0.03
            )
            for name in PEOPLE
        }

    def _decide(self, who: str, scores: dict[str, float]) -> list[Event]:
        events: list[Event] = []
        if self._verdict in PEOPLE and self._verdict != who:
            events.append(
                SpeakerChanged(
                    stream="desk",
                    stream_id="desk-1",
                    start=self.position - WINDOW,
                    stop=self.position,
                    previous=self._verdict,
                    speaker=who if who in PEOPLE else None,
                )
            )
        self._verdict = who
        if who in PEOPLE:
            best, second = sorted(scores.values(), reverse=True)[:2]
            evidence_s = HOP_S * self._heard
            events.append(
                verified(who, self.position, score=best, margin=best - second, evidence_s=evidence_s)
            )
        else:
            events.append(unknown(self.position, nearest="bert", score=scores["bert"]))
        return events


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
        self._enrolling = None if done else _progress(progress, speech_s, "listening", "keep talking")
        self.publisher.publish(self._enrolling or _progress(progress, speech_s, "done", ""))

    def _answer(self, method: AnyMethod, attachment: bytes | None) -> Answer:
        match method:
            case ListProfiles() | SetProfile() | ListGroups():
                return _decided(method)
            case GetStatus():
                beat = heartbeat(
                    [stream_state("desk", device="USB Audio, Blue Yeti")], uptime_s=7380.0, model=MODEL
                )
                return Status(version="0.1.0", pid=4242, boot=self.publisher.boot, heartbeat=beat)
            case ShowProfile(name=name) if name in PEOPLE:
                return _profile(name)
            case ShowProfile(name=name) | DeleteProfile(name=name) if name not in PEOPLE:
                return Problem(
                    code="not_found", message=f"{name} is not enrolled; see `earwitness profiles list`"
                )
            case EnrollLive():
                return self._begin(method)
            case CancelEnrollment():
                if self._enrolling is not None:
                    cancelled = _progress(self._enrolling, 0.0, "cancelled", "")
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


def _progress(before: EnrollProgress, speech_s: float, state: str, hint: str) -> EnrollProgress:
    assert state in ("listening", "done", "refused", "cancelled")
    return EnrollProgress(
        enrolment=before.enrolment,
        stream=before.stream,
        speaker=before.speaker,
        state=state,  # type: ignore[arg-type]  # mypy does not narrow str to a Literal
        speech_s=speech_s,
        needed_s=before.needed_s,
        hint=hint,
        snr_db=before.snr_db,
        consistency=before.consistency,
        consistency_llr=before.consistency_llr,
        session_snr_db=before.session_snr_db,
        channel=before.channel,
    )


def _summary(name: str) -> ProfileSummary:
    return ProfileSummary(
        name=name,
        created="2026-11-19T08:12:00Z",
        exemplars=2,
        usable=2 if name != "cora" else 1,
        speech_s=26.0,
    )


def _profile(name: str) -> Profile:
    exemplar = Exemplar(
        created="2026-11-19T08:12:00Z",
        model_id="wavlm-3f2a",
        usable=True,
        label="headset",
        source=f"file {name}.wav",
        speech_s=13.0,
        windows=24,
        consistency=0.82,
        snr_db=27.0,
        session=7,
        consistency_llr=2.9,
        channel="telephone",
        native_rate=8000,
    )
    return Profile(
        name=name,
        created="2026-11-19T08:12:00Z",
        exemplars=[exemplar],
        nearest="bert",
        nearest_cosine=0.44,
        nearest_llr=3.9,
        nearest_bound=3.5,
        model_id="wavlm-3f2a",
        verdict="poor",
        findings=["can be taken for bert (evidence +3.9 nats)"],
        advice=["add a session on another day"],
        groups=["family"],
        target_fmr=0.001,
        llr_bound=4.2,
    )


def _decided(method: ListProfiles | SetProfile | ListGroups) -> Profiles | Profile | Groups:
    if isinstance(method, ListProfiles):
        return Profiles(model_id="wavlm-3f2a", profiles=[_summary(name) for name in PEOPLE])
    if isinstance(method, SetProfile):
        return msgspec.structs.replace(_profile(method.name), target_fmr=method.target_fmr, llr_bound=4.2)
    return Groups(
        groups=[
            GroupState(name="banned", members=[], watchlist=True, ttl_s=20.0, llr_bound=None),
            GroupState(name="family", members=["anna", "bert"], watchlist=False, ttl_s=6.0, llr_bound=1.9),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--hops", type=int, default=100_000)
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    FakeDaemon(options.directory).run(options.hops, fast=options.fast)


if __name__ == "__main__":
    main()
