"""What all gates must do, and what each can."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.speech import SpeechGate, open_gate
from earwitnessd.speech.activity import SpeechActivity, SpeechStarted, SpeechStopped
from earwitnessd.speech.silero import SileroGate
from earwitnessd.speech.silero_network import Layers, SileroNetwork
from earwitnessd.speech.silero_weights import silero_weights

Samples = npt.NDArray[np.float32]
RATE = 16_000
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
EACH = pytest.mark.parametrize("kind", ["silero", "silero by numpy", "energy"])
SILERO = pytest.mark.parametrize("kind", ["silero", "silero by numpy"])


def opened(kind: str) -> SpeechGate:
    if kind == "silero by numpy":
        return SileroGate(SileroNetwork(Layers.of(silero_weights())))
    return open_gate(msgspec.convert({"type": kind}, SpeechGateSettings))


def noise(seconds: float, level: float, seed: int = 1) -> Samples:
    samples = np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * level
    return samples.astype(np.float32)


def bursts() -> Samples:
    """A quiet room, with a loud second from 2 s to 3 s."""
    samples = noise(5.0, 0.001)
    samples[2 * RATE : 3 * RATE] += noise(1.0, 0.1, seed=2)
    return samples


def spoken() -> Samples:
    """6 s of a real speaker, between two seconds of a quiet room."""
    soundfile = pytest.importorskip("soundfile")
    files = sorted((DATA / "dev" / "librispeech").rglob("*.opus"))[:8]
    if not files:
        pytest.skip(f"no real speech in {DATA}")
    speech = np.concatenate([soundfile.read(file, dtype="float32")[0] for file in files])
    assert len(speech) >= 6 * RATE
    return np.concatenate([noise(2.0, 0.0005), speech[: 6 * RATE], noise(2.0, 0.0005)])


@EACH
def test_every_whole_chunk_gets_one_probability_and_the_rest_waits(kind: str) -> None:
    gate = opened(kind)
    assert gate.push(noise(1.0, 0.01)[: gate.chunk_samples - 1]).shape == (0,)
    assert gate.push(noise(1.0, 0.01)[:1]).shape == (1,)
    probabilities = gate.push(noise(1.0, 0.01)[: 3 * gate.chunk_samples + 5])
    assert probabilities.shape == (3,)
    assert probabilities.dtype == np.float32
    assert ((probabilities >= 0.0) & (probabilities <= 1.0)).all()


@EACH
def test_the_size_of_blocks_does_not_change_the_probabilities(kind: str) -> None:
    whole, pieces = opened(kind), opened(kind)
    expected = whole.push(bursts())
    got = [pieces.push(block) for block in np.array_split(bursts(), 237)]
    np.testing.assert_allclose(np.concatenate(got), expected, atol=1e-6)


@EACH
def test_after_a_reset_the_next_sample_begins_a_chunk(kind: str) -> None:
    gate, fresh = opened(kind), opened(kind)
    gate.push(noise(0.5, 0.001)[:-100])
    gate.reset()
    samples = noise(1.0, 0.001, seed=3)
    assert len(gate.push(samples)) == len(fresh.push(samples))


@EACH
def test_silence_is_not_speech(kind: str) -> None:
    assert opened(kind).push(np.zeros(5 * RATE, dtype=np.float32)).max() < 0.35
    assert opened(kind).push(noise(5.0, 0.0003)).max() < 0.35


@EACH
def test_a_gate_recovers_from_nan_and_infinity(kind: str) -> None:
    gate = opened(kind)
    gate.push(noise(1.0, 0.001))
    broken = noise(1.0, 0.001)
    broken[::100] = np.nan
    broken[50::100] = np.inf
    assert np.isfinite(gate.push(broken)).all()
    after = gate.push(noise(4.0, 0.001))
    assert np.isfinite(after).all()
    assert after.max() < 0.35


@EACH
def test_gates_do_not_share_what_they_heard(kind: str) -> None:
    alone, first, second = opened(kind), opened(kind), opened(kind)
    expected = alone.push(bursts())
    got = []
    for block in np.array_split(bursts(), 20):
        got.append(first.push(block))
        second.push(block[::-1] * 0.5)
    np.testing.assert_allclose(np.concatenate(got), expected, atol=1e-6)


@EACH
def test_real_speech_is_found_and_the_room_around_it_is_not(kind: str) -> None:
    gate, samples = opened(kind), spoken()
    activity = SpeechActivity(SpeechGateSettings(), gate.chunk_samples)
    transitions = activity.push(0, gate.push(samples))
    assert isinstance(transitions[0], SpeechStarted)
    assert activity.speech_seconds(2 * RATE, 8 * RATE) > 3.0
    assert activity.speech_seconds(0, 2 * RATE) < 0.1
    assert isinstance(transitions[-1], SpeechStopped)
    assert 6 * RATE < transitions[-1].position < 8.3 * RATE


@SILERO
def test_the_network_forgets_at_a_reset(kind: str) -> None:
    used, fresh = opened(kind), opened(kind)
    used.push(bursts())
    used.reset()
    samples = noise(1.0, 0.01, seed=7)
    np.testing.assert_array_equal(used.push(samples), fresh.push(samples))


@SILERO
def test_silero_knows_noise_from_speech(kind: str) -> None:
    assert opened(kind).push(bursts()).max() < 0.5


@SILERO
def test_samples_beyond_full_scale_count_as_full_scale(kind: str) -> None:
    beyond, clipped = opened(kind), opened(kind)
    samples = noise(1.0, 2.0)
    np.testing.assert_array_equal(beyond.push(samples), clipped.push(np.clip(samples, -1.0, 1.0)))


def test_the_energy_gate_hears_what_stands_out_of_the_room() -> None:
    gate = opened("energy")
    activity = SpeechActivity(SpeechGateSettings(), gate.chunk_samples)
    started, stopped = activity.push(0, gate.push(bursts()))
    assert abs(started.position - 2 * RATE) <= gate.chunk_samples
    assert abs(stopped.position - 3 * RATE) <= gate.chunk_samples


def test_the_energy_gate_gets_used_to_a_louder_room() -> None:
    gate = opened("energy")
    gate.push(noise(3.0, 0.001))
    louder = gate.push(noise(10.0, 0.05))
    assert louder[0] > 0.9
    assert louder[-100:].max() < 0.35


def test_the_energy_gate_keeps_the_rooms_floor_over_a_gap() -> None:
    gate = opened("energy")
    gate.push(noise(3.0, 0.001))
    gate.reset()
    assert gate.push(noise(0.5, 0.1)).min() > 0.9


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "magic"},
        {"threshold": 1.5},
        {"treshold": 0.5},
        {"min_speech_s": -1},
        {"threshold": 0.3, "stop_threshold": 0.4},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, SpeechGateSettings)
