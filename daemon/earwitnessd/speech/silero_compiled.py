"""Silero's network in C, for the CPU that it was compiled on: half the processor time of numpy's."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from ctypes import c_float, c_int64, c_void_p
from pathlib import Path

import numpy as np

from earwitnessd.native.compiling import NATIVE, CompileError, Sources
from earwitnessd.speech.gate import Probabilities, Samples
from earwitnessd.speech.silero_network import CELLS, CHUNK, HALF, Array, Layers

GATE = Sources(
    name="silero",
    what="the speech gate for this CPU",
    folder=Path(__file__).resolve().parent,
    flags=(NATIVE, "-fno-math-errno"),
    libraries=("-lm",),
)


class _Stream(ctypes.Structure):
    """`struct stream` of silero.c."""

    _fields_ = (
        ("hidden", c_float * CELLS),
        ("cell", c_float * CELLS),
        ("begun", c_float * CHUNK),
        ("samples", c_int64),
    )


class Compiled:
    """The library with all weights, for everybody."""

    def __init__(self, file: Path, layers: Layers) -> None:
        try:
            library = ctypes.CDLL(str(file))
        except OSError as error:
            raise CompileError(f"{file} cannot be loaded: {error}") from error
        self.hear = library.earwitness_hear
        self.hear.argtypes = (c_void_p, c_void_p, c_void_p, c_int64, c_void_p)
        self.hear.restype = c_int64
        panel, span, numbers = c_int64(), c_int64(), c_int64()
        library.earwitness_layout(*map(ctypes.byref, (panel, span, numbers)))
        self._memory = mmap.mmap(-1, numbers.value * 4)  # begins with a line of the caches
        packed = np.concatenate(list(_packed(layers, panel.value, span.value)))
        np.frombuffer(self._memory, dtype=np.float32)[:] = packed
        self.layers = _address(np.frombuffer(self._memory, dtype=np.float32))


class CompiledGate:
    """One stream's detector, with the network's memory; belongs to the engine thread."""

    def __init__(self, compiled: Compiled) -> None:
        self.chunk_samples = CHUNK
        self._compiled = compiled
        self._stream = _Stream()
        self._at = ctypes.addressof(self._stream)

    def push(self, samples: Samples) -> Probabilities:
        """The probability of speech in every chunk that these samples complete."""
        samples = np.ascontiguousarray(samples, dtype=np.float32)
        count = len(samples)
        found = np.empty((self._stream.samples + count) // CHUNK, dtype=np.float32)
        self._compiled.hear(self._compiled.layers, self._at, _address(samples), count, _address(found))
        return found

    def reset(self) -> None:
        """Forget what was heard."""
        ctypes.memset(self._at, 0, ctypes.sizeof(_Stream))


def _packed(layers: Layers, panel: int, span: int) -> Iterator[Array]:
    """The numbers of `struct layers`, in its order."""
    sines = np.zeros((HALF, HALF), dtype=np.float32)
    sines[:-1, 1:] = layers.sines
    yield _by(panel, layers.cosines[:, :HALF])
    yield layers.cosines[:, HALF]
    yield _by(panel, sines)
    for weight, bias in (layers.wide, layers.half, layers.single, layers.last, layers.gates):
        yield _by(panel, weight)
        yield bias
    yield _by(span, layers.memory)
    weight, level = layers.output
    yield weight
    yield np.array([level], dtype=np.float32)


def _by(columns: int, matrix: Array) -> Array:
    """So many columns after the other, each as rows."""
    return matrix.reshape(len(matrix), -1, columns).swapaxes(0, 1).ravel()


def _address(array: Array) -> int:
    """Numpy's own way to it first makes an object, and takes several times as long."""
    address: int = array.__array_interface__["data"][0]
    return address
