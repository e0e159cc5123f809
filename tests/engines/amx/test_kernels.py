"""Each kernel gives what float64 gives, as nearly as its parts allow, whatever the shape."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from earwitnessd.engines.amx.kernels import GELU, LINEAR, Layout, Packed
from earwitnessd.engines.amx.planes import BLOCK, Planes
from tests.engines.amx.here import kernels, needs_amx

pytestmark = needs_amx

# of the largest output: bfloat16 has 8 bits, two parts 16, and three as many as float32
OFF = {1: 1e-2, 2: 1e-5, 3: 1e-6}
PARTS = sorted(OFF)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(20261130)


def off(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).abs().max() / exact.abs().max())


def in_planes(numbers: Tensor, parts: int) -> Planes:
    return kernels().split(numbers.unsqueeze(0), parts)


def restored(planes: Planes) -> Tensor:
    """(items, rows, columns) as the sum of all parts."""
    length = planes.items * planes.item_stride
    whole = planes.memory[:, :length].double().sum(0)
    by_block = whole.view(planes.items, -1, planes.rows, BLOCK).transpose(1, 2)
    return by_block.reshape(planes.items, planes.rows, -1)


def packed(weight: Tensor, bias: Tensor | None, parts: int) -> Packed:
    return kernels().pack(weight[None, :, :, None], bias, parts)


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (5, 32), (33, 47), (64, 770)])
def test_parts_add_up_to_the_number(parts: int, rows: int, columns: int) -> None:
    numbers = torch.randn(2, rows, columns)
    found = restored(kernels().split(numbers, parts))
    off_by = (found[..., :columns] - numbers.double()).abs() / numbers.double().abs()
    assert off_by.max() < {1: 2**-8, 2: 2**-16, 3: 2**-24}[parts]
    assert not found[..., columns:].any()


def test_numbers_that_lie_otherwise_in_memory_are_the_same_numbers() -> None:
    columns_apart = torch.randn(2, 40, 33).transpose(1, 2)
    there = restored(kernels().split(columns_apart, 3))
    assert torch.equal(there, restored(kernels().split(columns_apart.contiguous(), 3)))
    scale, shift = torch.ones(40), torch.zeros(40)
    normal, _ = kernels().normalise(columns_apart, scale, shift, 1e-5, parts=1, keep=True)
    assert off(normal, functional.layer_norm(columns_apart.double(), (40,))) < 2e-6


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize(
    ("rows", "inputs", "outputs"),
    [(1, 32, 1), (31, 17, 42), (33, 96, 33), (149, 768, 70), (170, 3072, 64), (700, 256, 512)],
)
def test_a_product_is_that_of_its_rows_and_weights(parts: int, rows: int, inputs: int, outputs: int) -> None:
    numbers, weight, bias = torch.randn(rows, inputs), torch.randn(outputs, inputs), torch.randn(outputs)
    exact = numbers.double() @ weight.double().T + bias.double()
    planes, ours = in_planes(numbers, parts), packed(weight, bias, parts)
    found = kernels().to_floats(planes, ours, Layout(1, rows), LINEAR)
    assert found.shape == (1, rows, outputs)
    assert off(found[0], exact) < OFF[parts]
    again = kernels().to_planes(planes, ours, Layout(1, rows), LINEAR, parts=3)
    assert off(restored(again)[0, :, :outputs], found[0].double()) < 2**-23


@pytest.mark.parametrize("parts", PARTS)
def test_a_product_may_be_activated_and_added_to(parts: int) -> None:
    numbers, weight, there = torch.randn(40, 64), torch.randn(48, 64), torch.randn(1, 40, 48)
    exact = functional.gelu(numbers.double() @ weight.double().T) + there.double()
    found = kernels().to_floats(
        in_planes(numbers, parts), packed(weight, None, parts), Layout(1, 40), GELU, there
    )
    assert off(found, exact) < OFF[parts]


@pytest.mark.parametrize("rows", [149, 1000])
@pytest.mark.parametrize("parts", PARTS)
def test_threads_change_nothing(parts: int, rows: int) -> None:
    planes, ours = in_planes(torch.randn(rows, 2048), parts), packed(torch.randn(300, 2048), None, parts)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            found.append(kernels().to_floats(planes, ours, Layout(1, rows), GELU))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(each, found[0]) for each in found)


def test_a_row_is_computed_alike_whatever_stands_beside_it() -> None:
    numbers, ours = torch.randn(500, 768), packed(torch.randn(96, 768), None, 2)
    whole = kernels().to_floats(in_planes(numbers, 2), ours, Layout(1, 500), LINEAR)
    some = kernels().to_floats(in_planes(numbers[37:41], 2), ours, Layout(1, 4), LINEAR)
    assert torch.equal(whole[0, 37:41], some[0])


@pytest.mark.parametrize("parts", PARTS)
def test_what_is_no_number_stays_in_its_row(parts: int) -> None:
    numbers = torch.randn(70, 96)
    numbers[33, 5] = math.nan
    found = kernels().to_floats(
        in_planes(numbers, parts), packed(torch.randn(40, 96), None, parts), Layout(1, 70), GELU
    )[0]
    assert found[33].isnan().all()
    assert found[[*range(33), *range(34, 70)]].isfinite().all()


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize(
    ("taps", "step", "inputs", "outputs", "groups"),
    [(3, 2, 64, 40, 1), (2, 2, 30, 32, 1), (5, 1, 96, 48, 2), (1, 7, 33, 64, 1), (16, 3, 40, 40, 4)],
)
def test_a_convolution_takes_rows_that_overlap(
    parts: int, taps: int, step: int, inputs: int, outputs: int, groups: int
) -> None:
    numbers, bias = torch.randn(3, 200, inputs), torch.randn(outputs)
    weight = torch.randn(outputs, inputs // groups, taps)
    exact = functional.conv1d(
        numbers.double().transpose(1, 2), weight.double(), bias.double(), stride=step, groups=groups
    ).transpose(1, 2)
    apart = numbers.view(3, 200, groups, -1).transpose(1, 2).reshape(3 * groups, 200, -1)
    planes = kernels().split(apart, parts)
    ours = kernels().pack(weight.view(groups, outputs // groups, -1, taps), bias, parts)
    layout = Layout(3, exact.shape[1], step, groups * planes.item_stride, planes.item_stride)
    assert off(kernels().to_floats(planes, ours, layout, LINEAR), exact) < OFF[parts]


@pytest.mark.parametrize("parts", PARTS)
def test_the_first_convolution_has_weights_for_each_window(parts: int) -> None:
    waves, filters = torch.randn(3, 1003), torch.randn(3, 11, 64)
    pieces = waves.unfold(1, 10, 5)
    exact = functional.gelu(pieces.double() @ filters[:, :10].double() + filters[:, 10:].double())
    found = restored(kernels().first(pieces, filters, parts, GELU))
    assert off(found, exact) < {1: 2**-8, 2: 2**-16, 3: 1e-6}[parts]


@pytest.mark.parametrize("columns", [1, 16, 47, 768])
def test_rows_are_normalised(columns: int) -> None:
    numbers = 3.0 * torch.randn(2, 35, columns) + 5.0
    scale, shift = torch.randn(columns), torch.randn(columns)
    exact = functional.layer_norm(numbers.double(), (columns,), scale.double(), shift.double(), 1e-5)
    normal, planes = kernels().normalise(numbers, scale, shift, 1e-5, parts=3, keep=True)
    assert off(normal, exact) < 2e-6
    assert off(restored(planes)[0, :, :columns], normal.double().view(70, columns)) < 2**-23
    nothing, same = kernels().normalise(numbers, scale, shift, 1e-5, parts=3, keep=False)
    assert not nothing.numel()
    assert torch.equal(restored(same), restored(planes))


def attended(projected: Tensor, bias: Tensor, gate_scale: Tensor, head_size: int) -> Tensor:
    """What the encoder's own attention computes between its two products, in float64."""
    items, frames, _ = projected.shape
    heads = len(gate_scale)
    width = heads * head_size
    numbers = projected.double()
    queries, keys, values = (
        numbers[..., part * width : (part + 1) * width].view(items, frames, heads, head_size).transpose(1, 2)
        for part in range(3)
    )
    gates = numbers[..., 3 * width : 3 * width + 2 * heads].sigmoid()
    update, reset = gates[..., :heads], gates[..., heads:]
    gate = (update * (reset * gate_scale.double() - 1.0) + 2.0).transpose(1, 2).unsqueeze(-1)
    steps = torch.arange(frames) - torch.arange(frames).unsqueeze(1) + frames - 1
    mask = gate * bias.double()[:, steps]
    heard = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    return heard.transpose(1, 2).flatten(2).view(1, items * frames, width)


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize(
    ("frames", "heads", "head_size"), [(1, 1, 32), (31, 2, 64), (33, 3, 32), (149, 12, 64)]
)
def test_heads_hear_what_attention_gives(parts: int, frames: int, heads: int, head_size: int) -> None:
    projected = 1.5 * torch.randn(2, frames, 3 * heads * head_size + 2 * heads + 5)
    bias, gate_scale = torch.randn(heads, 2 * frames - 1 + BLOCK), 1.0 + 0.3 * torch.randn(heads)
    found = kernels().attend(projected, bias, gate_scale, head_size, parts)
    exact = attended(projected, bias[:, : 2 * frames - 1], gate_scale, head_size)
    assert off(restored(found), exact) < {1: 3e-2, 2: 2e-5, 3: 3e-6}[parts]


def test_attention_of_very_different_scores_neither_overflows_nor_vanishes() -> None:
    projected = 40.0 * torch.randn(1, 50, 3 * 64 + 2)
    bias, gate_scale = 30.0 * torch.randn(1, 99 + BLOCK), torch.ones(1)
    found = restored(kernels().attend(projected, bias, gate_scale, 64, parts=3))
    assert off(found, attended(projected, bias[:, :99], gate_scale, 64)) < 1e-4


def test_a_frame_that_is_no_number_is_heard_in_its_own_window_alone() -> None:
    projected = torch.randn(3, 40, 3 * 64 + 2)
    projected[1, 7, 70] = math.nan
    found = restored(kernels().attend(projected, torch.randn(1, 79 + BLOCK), torch.ones(1), 64, parts=2))
    by_window = found.view(3, 40, 64)
    assert by_window[1].isnan().all()
    assert by_window[[0, 2]].isfinite().all()
