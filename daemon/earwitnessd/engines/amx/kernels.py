"""The compiled kernels as functions of tensors."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from ctypes import c_float, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from earwitnessd.engines.amx.planes import BLOCK, Planes, blocks
from earwitnessd.engines.errors import EmbedError

LINEAR, GELU = 0, 1  # activations, by their numbers in tiles.h


@dataclass(frozen=True, eq=False, slots=True)
class Packed:
    """A weight in blocks of 32 by 32, as the tiles take it."""

    weights: Tensor
    # (groups, numbers)
    bias: Tensor
    # (groups, outputs in whole blocks)
    columns: int
    # blocks of 32 inputs, of each tap
    taps: int
    outputs: int
    # of each group
    parts: int

    @property
    def groups(self) -> int:
        """Products side by side, each of its own inputs."""
        return len(self.weights)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which rows of its inputs a product takes."""

    items: int
    rows: int
    # of outputs, of each item
    step: int = 1
    # rows of inputs from one row of outputs to the next
    item_stride: int = 0
    # numbers from one item's inputs to the next one's
    group_stride: int = 0
    # numbers from one group's inputs to the next one's


def _fields(pointers: Iterable[str], numbers: Iterable[str]) -> list[tuple[str, type]]:
    return [*((name, c_void_p) for name in pointers), *((name, c_int64) for name in numbers)]


class _Product(ctypes.Structure):
    """`struct product` of products.c."""

    _fields_ = _fields(
        ("inputs", "weights", "bias", "added", "floats", "planes"),
        (
            *("items", "rows", "columns", "taps", "in_part", "in_item", "in_row", "in_column", "in_tap"),
            *("outputs", "out_part", "out_item", "out_row", "out_column", "groups", "in_group"),
            *("parts", "out_parts", "activation", "threads"),
        ),
    )


class _Attention(ctypes.Structure):
    """`struct attention` of attention.c."""

    _fields_ = _fields(
        ("projected", "bias", "gate_scale", "planes"),
        (
            *("items", "frames", "heads", "head_size", "row", "bias_row"),
            *("out_part", "out_column", "parts", "threads"),
        ),
    )


class Kernels:
    """The library; any thread may call it. Tensors are float32."""

    def __init__(self, file: Path) -> None:
        try:
            self._library = ctypes.CDLL(str(file))
        except OSError as error:
            raise EmbedError(f"the compiled kernels cannot be loaded: {error}") from error
        for name in ("pack", "split", "first", "normalise"):
            getattr(self._library, f"earwitness_{name}").restype = None
        if self._library.earwitness_enable():
            raise EmbedError("the kernel of this machine does not let programs use AMX")

    def pack(self, weight: Tensor, bias: Tensor | None, parts: int) -> Packed:
        """Of (groups, outputs of a group, inputs, taps), and one bias for each output of all groups."""
        groups, outputs, inputs, taps = weight.shape
        columns = blocks(inputs)
        wide = functional.pad(weight.detach().transpose(2, 3), (0, columns * BLOCK - inputs))
        # in the order in which a product goes through its inputs: 32 columns, all taps, the next 32
        ordered = wide.view(groups, outputs, taps, columns, BLOCK).transpose(2, 3).contiguous()
        length = columns * taps * BLOCK
        packed = torch.empty(groups, blocks(outputs) * BLOCK * length * parts, dtype=torch.bfloat16)
        for group in range(groups):
            self._library.earwitness_pack(
                _at(ordered[group]), *_longs(outputs, length, parts), _at(packed[group])
            )
        whole = torch.zeros(groups, blocks(outputs) * BLOCK)
        if bias is not None:
            whole[:, :outputs] = bias.detach().view(groups, outputs)
        return Packed(packed, whole, columns, taps, outputs, parts)

    def split(self, numbers: Tensor, parts: int) -> Planes:
        """(items, rows, columns) into planes."""
        numbers = numbers if numbers.stride(2) == 1 else numbers.contiguous()
        items, rows, columns = numbers.shape
        planes = Planes.empty(parts, items, rows, columns)
        self._library.earwitness_split(
            _at(numbers),
            *_longs(items, rows, columns, numbers.stride(0), numbers.stride(1)),
            _at(planes.memory),
            *_longs(parts, *_strides(planes), torch.get_num_threads()),
        )
        return planes

    def normalise(
        self, numbers: Tensor, scale: Tensor, shift: Tensor, epsilon: float, parts: int, *, keep: bool
    ) -> tuple[Tensor, Planes]:
        """All rows of (…, columns) in planes and, if they are kept, as they were; else those are empty."""
        numbers = numbers.contiguous()
        columns = numbers.shape[-1]
        rows = numbers.numel() // columns
        normal = torch.empty_like(numbers if keep else numbers[:0])
        planes = Planes.empty(parts, 1, rows, columns)
        self._library.earwitness_normalise(
            _at(numbers),
            *_longs(rows, columns),
            _at(scale),
            _at(shift),
            c_float(epsilon),
            _at(normal if keep else None),
            _at(planes.memory),
            *_longs(parts, planes.part_stride, planes.column_stride, torch.get_num_threads()),
        )
        return normal, planes

    def first(self, pieces: Tensor, filters: Tensor, parts: int, activation: int) -> Planes:
        """(items, rows, taps) by (items, taps and the bias, channels); channels fill whole blocks."""
        items, rows, taps = pieces.shape
        channels = filters.shape[-1]
        planes = Planes.empty(parts, items, rows, channels)
        self._library.earwitness_first(
            _at(pieces),
            *_longs(items, rows, pieces.stride(0), pieces.stride(1)),
            _at(filters),
            *_longs(taps, channels),
            _at(planes.memory),
            *_longs(parts, *_strides(planes), activation, torch.get_num_threads()),
        )
        return planes

    def to_floats(
        self, inputs: Planes, weight: Packed, layout: Layout, activation: int, added: Tensor | None = None
    ) -> Tensor:
        """(items, rows, outputs of all groups), with `added` to them."""
        width = weight.groups * weight.outputs
        outputs = torch.empty(layout.items, layout.rows, width)
        strides = 0, layout.rows * width, width, 0
        added = added if added is None else added.contiguous()
        self._multiply(inputs, weight, layout, activation, strides, added=added, floats=outputs)
        return outputs

    def to_planes(
        self, inputs: Planes, weight: Packed, layout: Layout, activation: int, parts: int
    ) -> Planes:
        """The outputs of a product without groups, in so many parts."""
        outputs = Planes.empty(parts, layout.items, layout.rows, weight.outputs)
        self._multiply(inputs, weight, layout, activation, _strides(outputs), planes=outputs)
        return outputs

    def attend(
        self, projected: Tensor, bias: Tensor, gate_scale: Tensor, head_size: int, parts: int
    ) -> Planes:
        """What the heads hear: of (items, frames, queries, keys, values and gates) and (heads, distances)."""
        items, frames, row = projected.shape
        heads = len(gate_scale)
        planes = Planes.empty(parts, 1, items * frames, heads * head_size)
        job = _Attention(
            *map(_at, (projected, bias, gate_scale, planes.memory)),
            *(items, frames, heads, head_size, row, bias.stride(0)),
            *(planes.part_stride, planes.column_stride, parts, torch.get_num_threads()),
        )
        _succeeded(self._library.earwitness_attend(ctypes.byref(job)))
        return planes

    def _multiply(
        self,
        inputs: Planes,
        weight: Packed,
        layout: Layout,
        activation: int,
        out: tuple[int, int, int, int],
        *,
        added: Tensor | None = None,
        floats: Tensor | None = None,
        planes: Planes | None = None,
    ) -> None:
        memory = None if planes is None else planes.memory
        job = _Product(
            *map(_at, (inputs.memory, weight.weights, weight.bias, added, floats, memory)),
            *(layout.items, layout.rows, weight.columns, weight.taps),
            *(inputs.part_stride, layout.item_stride, layout.step * BLOCK, inputs.column_stride, BLOCK),
            *(weight.outputs, *out, weight.groups, layout.group_stride),
            *(weight.parts, planes.parts if planes else 0, activation, torch.get_num_threads()),
        )
        _succeeded(self._library.earwitness_product(ctypes.byref(job)))


def _succeeded(lacking_memory: int) -> None:
    if lacking_memory:
        raise MemoryError("there is no memory for the sums of a product")


def _strides(planes: Planes) -> tuple[int, int, int, int]:
    """From part to part, item to item, row to row, and 32 columns to the next."""
    return planes.part_stride, planes.item_stride, BLOCK, planes.column_stride


def _at(tensor: Tensor | None) -> c_void_p:
    assert tensor is None or tensor.dtype in {torch.float32, torch.bfloat16}
    return c_void_p(None if tensor is None else tensor.data_ptr())


def _longs(*numbers: int) -> list[c_int64]:
    return [c_int64(number) for number in numbers]
