"""The engine thread: blocks of audio in, decisions out; asked by main, and never silently dead."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from earwitness.control import (
    GetStatus,
)
from earwitness.events import (
    RATE,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    SpeechStarted,
    StreamGap,
    StreamLost,
    StreamOpened,
    WindowScored,
)
from earwitnessd.capture.messages import pack
from earwitnessd.capture.words import STOPPED
from earwitnessd.engines import EmbedError
from earwitnessd.handover import CaptureGone, Failed, NewRules, Pulse, Ready, Refusal, StreamRemoved
from earwitnessd.hearing import RECORDED_BATCH
from earwitnessd.listening.parts import Parts
from earwitnessd.models import ModelError
from earwitnessd.profiles import ProfileStore
from earwitnessd.settings.root import Windows

from ..voices import ANNA_HZ, BEN_HZ, ENERGY, EVE_HZ, TONE_RULES, TONES, Mouth, ToneEmbedder, room, talking
from .engine import BrokenEmbedder, Engine, HeldEmbedder

BOTH = {"anna": ANNA_HZ, "ben": BEN_HZ}


class NotingEmbedder(ToneEmbedder):
    """Remembers which pitches were in each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.pitches: list[set[int]] = []

    def embed(self, windows: np.typing.NDArray[np.float32]) -> np.typing.NDArray[np.float32]:
        vectors = super().embed(windows)
        self.pitches.append({int(band) for band in vectors.argmax(axis=1)})
        return vectors


def test_the_engine_says_first_what_it_works_with() -> None:
    with Engine(enrolled=BOTH) as engine:
        ready = engine.until_word(Ready)
    assert engine.words[0] == ready
    decision = "by cosine, threshold 0.800"
    assert ready == Ready("tones", ToneEmbedder.model_id, "a test", 0.8, 2, 0, decision=decision)


def test_a_voice_that_is_enrolled_is_verified_and_another_is_unknown() -> None:
    with Engine(enrolled=BOTH) as engine:
        engine.say(engine.open(), np.concatenate([talking(ANNA_HZ, 5.0), room(4.0), talking(EVE_HZ, 6.0)]))
        verified = engine.until_said(SpeakerVerified)
        unknown = engine.until_said(SpeakerUnknown)
    assert (verified.stream, verified.speaker, verified.runner_up) == ("desk", "anna", "ben")
    assert verified.score > 0.95
    assert verified.stop == 3.5 * RATE
    assert unknown.nearest in BOTH
    assert [type(event) for event in engine.events[:2]] == [StreamOpened, SpeechStarted]


def test_a_scored_window_names_everybody_and_where_the_time_went() -> None:
    with Engine(enrolled=BOTH) as engine:
        engine.say(engine.open(), talking(ANNA_HZ, 3.0))
        scored = engine.until_said(WindowScored)
    assert [score.speaker for score in scored.scores] == ["anna", "ben"]
    assert (scored.start, scored.stop, scored.inconclusive) == (0, 3 * RATE, [])
    assert scored.speech_s == pytest.approx(6 * 0.35, abs=0.3)
    latency = scored.latency_ms
    parts = latency.capture + latency.queue + latency.embed + latency.decide
    assert latency.total == pytest.approx(parts, abs=0.01)
    assert min(latency.queue, latency.embed, latency.decide) >= 0.0


def test_due_windows_of_several_streams_are_one_batch() -> None:
    embedder = NotingEmbedder()
    both = {int(ANNA_HZ // 100), int(BEN_HZ // 100)}
    with Engine(embedder, enrolled=BOTH) as engine:
        mouths = {ANNA_HZ: engine.open("desk"), BEN_HZ: engine.open("door")}
        for _ in range(20):
            scored = len(engine.of(WindowScored))
            for pitch_hz, mouth in mouths.items():
                engine.say(mouth, talking(pitch_hz, 3.0), block=3 * RATE)
            engine.until_said(WindowScored, scored + 2)
            if both in embedder.pitches:
                break
        assert both in embedder.pitches
        assert {scored.stream for scored in engine.of(WindowScored)} == {"desk", "door"}


def test_with_nobody_enrolled_nothing_is_embedded_and_windows_say_so() -> None:
    with Engine() as engine:
        engine.say(engine.open(), talking(ANNA_HZ, 5.0))
        engine.until_said(WindowScored, 5)
        assert isinstance(engine.embedder, ToneEmbedder)
        assert engine.embedder.batches == []
    assert {tuple(scored.inconclusive) for scored in engine.of(WindowScored)} == {("no_profiles",)}
    assert not any(scored.scores for scored in engine.of(WindowScored))


def test_silence_and_gaps_are_not_embedded() -> None:
    with Engine(enrolled=BOTH) as engine:
        mouth = engine.open()
        engine.say(mouth, room(4.0))
        engine.send(pack(mouth.lost(RATE)), mouth)
        engine.say(mouth, talking(ANNA_HZ, 2.0))
        engine.until_said(WindowScored, 9)
        assert isinstance(engine.embedder, ToneEmbedder)
        assert engine.embedder.batches == []
        pulse = engine.until_pulse(lambda pulse: pulse.streams[0].position == 7 * RATE)
    assert engine.until_said(StreamGap).samples == RATE
    assert pulse.streams[0].counters.lost_samples == RATE
    assert pulse.streams[0].counters.windows_scored == 0
    assert pulse.streams[0].counters.windows_silent >= 3


def test_a_method_that_is_mains_business_is_refused() -> None:
    with Engine() as engine:
        refusal = engine.ask(GetStatus())
    assert isinstance(refusal, Refusal)
    assert refusal.code == "internal"


@pytest.mark.parametrize("hop_s", [0.5, 0.1])
def test_a_recording_is_worked_off_before_its_stream_is_lost(hop_s: float) -> None:
    settings = msgspec.structs.replace(ENERGY, windows=Windows(hop_s=hop_s))
    with Engine(enrolled=BOTH, settings=settings) as engine:
        mouth = engine.open(paced=False)
        engine.say(mouth, talking(ANNA_HZ, 10.0))
        engine.send(pack(mouth.ended("end of file")), mouth)
        lost = engine.until_said(StreamLost)
    before = engine.events[: engine.events.index(lost)]
    scored = [event.stop for event in before if isinstance(event, WindowScored)]
    assert scored == list(range(3 * RATE, 10 * RATE + 1, round(hop_s * RATE)))
    assert (lost.reason, lost.final, lost.stop) == ("end of file", True, 10 * RATE)
    (gone,) = engine.of(SpeakerLost)
    assert (gone.previous, gone.reason) == ("anna", "stream")


def test_a_recording_with_windows_longer_than_may_wait_is_worked_off_too() -> None:
    settings = msgspec.structs.replace(ENERGY, windows=Windows(length_s=12.0, hop_s=12.0))
    with Engine(enrolled=BOTH, settings=settings) as engine:
        mouth = engine.open(paced=False)
        engine.say(mouth, talking(ANNA_HZ, 25.0))
        engine.send(pack(mouth.ended()), mouth)
        engine.until_said(StreamLost)
    assert [scored.start for scored in engine.of(WindowScored)] == [0, 12 * RATE]


def test_a_vanished_capture_process_loses_stream_and_speaker() -> None:
    with Engine(enrolled=BOTH) as engine:
        engine.say(engine.open(), talking(ANNA_HZ, 4.0))
        engine.until_said(SpeakerVerified)
        engine.tell(CaptureGone("desk", "desk-1", "killed by signal 9", final=False))
        lost = engine.until_said(StreamLost)
        pulse = engine.until_pulse(lambda pulse: bool(pulse.streams) and not pulse.streams[0].live)
    assert (lost.reason, lost.final) == ("killed by signal 9", False)
    assert engine.until_said(SpeakerLost).reason == "stream"
    assert pulse.streams[0].speaker is None


def test_a_removed_stream_is_forgotten() -> None:
    with Engine(enrolled=BOTH) as engine:
        mouth = engine.open()
        engine.open("door")
        engine.until_said(StreamOpened, 2)
        engine.tell(StreamRemoved("desk", "removed from the settings", final=True))
        engine.until_obeyed()
        engine.say(mouth, talking(ANNA_HZ, 4.0))
        engine.until_pulse(lambda pulse: [stream.stream for stream in pulse.streams] == ["door"])
    assert engine.of(WindowScored) == []


@pytest.mark.parametrize(
    "frames",
    [
        [b"\0"],
        [b"garbage"],
        [b"\xff" * 1000, b"\x00" * 1000],
        pack(Mouth().audio(room(0.1))),
        [*pack(Mouth().audio(room(0.1))), b"not samples"],
        [*pack(Mouth().audio(room(0.1)), room(0.1)), b"?"],
    ],
)
def test_garbage_on_the_audio_socket_is_survived(frames: list[bytes]) -> None:
    with Engine(enrolled=BOTH) as engine:
        mouth = engine.open()
        engine.send(frames, mouth)
        engine.say(mouth, talking(ANNA_HZ, 3.0))
        assert engine.until_said(WindowScored).scores[0].speaker == "anna"


def test_overload_skips_whole_hops_and_the_pulse_counts_them() -> None:
    embedder = HeldEmbedder()
    with Engine(embedder, enrolled=BOTH, settings=ENERGY) as engine:
        mouth = engine.open()
        engine.say(mouth, talking(ANNA_HZ, 3.0))
        assert embedder.entered.wait(15.0)
        engine.say(mouth, talking(ANNA_HZ, 5.0), block=RATE)
        embedder.let_go.set()
        pulse = engine.until_pulse(
            lambda pulse: bool(pulse.streams) and pulse.streams[0].position == 8 * RATE
        )
        engine.until(lambda: engine.of(WindowScored)[-1].stop == 8 * RATE)
    assert pulse.streams[0].counters.windows_skipped == 6
    assert len(engine.of(WindowScored)) == 1 + 4


def test_all_audio_that_came_during_a_batch_is_heard_before_the_next() -> None:
    embedder = HeldEmbedder()
    with Engine(embedder, enrolled=BOTH, settings=ENERGY) as engine:
        mouths = [engine.open(stream) for stream in ("desk", "door", "yard")]
        engine.say(mouths[0], talking(ANNA_HZ, 3.0))
        assert embedder.entered.wait(15.0)
        for mouth in mouths:
            engine.say(mouth, talking(ANNA_HZ, 8.0 - mouth.position / RATE), block=RATE // 2)
        embedder.let_go.set()
        engine.until(lambda: len([each for each in engine.of(WindowScored) if each.stop == 8 * RATE]) == 3)
    assert sum(embedder.batches) == 1 + 3 * 4
    assert {each.start for each in engine.of(WindowScored)[1:]} == {
        round(start_s * RATE) for start_s in (3.5, 4.0, 4.5, 5.0)
    }


def test_a_recording_with_much_to_say_does_not_make_live_audio_wait() -> None:
    embedder = HeldEmbedder()
    with Engine(embedder, enrolled=BOTH) as engine:
        tape = engine.open("tape", paced=False)
        live = engine.open("desk")
        engine.say(tape, talking(ANNA_HZ, 240.0))
        assert embedder.entered.wait(15.0)
        engine.say(live, talking(BEN_HZ, 5.0), block=RATE // 2)
        engine.send(pack(tape.ended("end of file")), tape)
        embedder.let_go.set()
        engine.until_said(StreamLost)
        engine.until(lambda: ("desk", 5 * RATE) in heard(engine))
    before = heard(engine)[: heard(engine).index(("desk", 5 * RATE))]
    assert [stream for stream, _ in before].count("tape") <= 20 * RECORDED_BATCH  # of nearly 60


def heard(engine: Engine) -> list[tuple[str, int]]:
    """Whose windows were scored, and where they ended, in this order."""
    return [(each.stream, each.stop) for each in engine.of(WindowScored)]


@pytest.mark.parametrize(
    "told",
    [
        CaptureGone("tape", "tape-1", "paused", final=True),
        StreamRemoved("tape", "its settings have changed", final=False),
    ],
)
def test_whoever_has_a_process_stop_says_why(told: CaptureGone | StreamRemoved) -> None:
    embedder = HeldEmbedder()
    with Engine(embedder, enrolled=BOTH) as engine:
        tape = engine.open("tape", paced=False)
        engine.say(tape, talking(ANNA_HZ, 4.0))
        engine.send(pack(tape.ended(STOPPED, final=False)), tape)
        assert embedder.entered.wait(15.0)  # so the end of the process has been heard
        engine.tell(told)
        embedder.let_go.set()
        lost = engine.until_said(StreamLost)
    assert (lost.stream_id, lost.reason, lost.final) == ("tape-1", told.reason, told.final)


def test_a_process_that_ended_by_itself_has_said_why() -> None:
    embedder = HeldEmbedder()
    with Engine(embedder, enrolled=BOTH) as engine:
        tape = engine.open("tape", paced=False)
        engine.say(tape, talking(ANNA_HZ, 4.0))
        engine.send(pack(tape.ended("end of file")), tape)
        assert embedder.entered.wait(15.0)
        engine.tell(CaptureGone("tape", "tape-1", "killed by SIGTERM", final=False))
        embedder.let_go.set()
        lost = engine.until_said(StreamLost)
    assert (lost.reason, lost.final) == ("end of file", True)


def test_other_rules_hold_at_once() -> None:
    patient = replace(TONE_RULES, verify_windows=50)
    with Engine(enrolled=BOTH, rules=patient) as engine:
        mouth = engine.open()
        engine.say(mouth, talking(ANNA_HZ, 8.0))
        engine.until_said(WindowScored, 11)
        assert engine.of(SpeakerVerified) == []
        engine.tell(NewRules(replace(TONE_RULES, verify_windows=1)))
        engine.until_obeyed()
        engine.say(mouth, talking(ANNA_HZ, 1.0))
        assert engine.until_said(SpeakerVerified).speaker == "anna"


def test_a_stream_that_is_added_later_goes_by_the_new_rules() -> None:
    patient = replace(TONE_RULES, verify_windows=50)
    with Engine(enrolled=BOTH, rules=patient) as engine:
        engine.tell(NewRules(TONE_RULES))
        engine.say(engine.open("door"), talking(ANNA_HZ, 4.0))
        assert engine.until_said(SpeakerVerified).stream == "door"


def test_a_reload_brings_people_that_another_program_has_enrolled() -> None:
    with Engine(enrolled={"ben": BEN_HZ}) as engine, Engine(enrolled={"anna": ANNA_HZ}) as other:
        with closing(ProfileStore(other.profiles)) as store:
            (anna,) = store.profile("anna").exemplars
        with closing(ProfileStore(engine.profiles)) as store:
            store.add("anna", anna)
        engine.tell(NewRules(TONE_RULES))
        engine.until_pulse(lambda pulse: pulse.profiles == 2)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EmbedError("the GPU is gone: restart"), "the GPU is gone: restart"),
        (RuntimeError("out of memory"), "out of memory"),
        (ZeroDivisionError(), "ZeroDivisionError()"),
    ],
)
def test_an_engine_that_cannot_compute_says_why_it_ends(error: Exception, reason: str) -> None:
    with Engine(BrokenEmbedder(error), enrolled=BOTH) as engine:
        engine.say(engine.open(), talking(ANNA_HZ, 3.0))
        failed = engine.until_word(Failed)
        engine.listener.join(15.0)
        assert not engine.listener.is_alive()
        assert not engine.profiles.with_name("profiles.db-wal").exists(), "the database was left open"
    assert failed.reason == reason


def test_an_engine_that_cannot_open_its_model_says_why() -> None:
    class Modelless(Engine):
        def open_parts(self) -> Parts:
            raise ModelError(f"{TONES.name}: no such model; earwitnessd model pull it")

    with Modelless() as engine:
        failed = engine.until_word(Failed)
    assert failed.reason == "tones: no such model; earwitnessd model pull it"
    assert not [word for word in engine.words if isinstance(word, Ready)]


def test_an_engine_pulses_although_nothing_happens() -> None:
    with Engine() as engine:
        engine.until(lambda: len([word for word in engine.words if isinstance(word, Pulse)]) >= 3)
