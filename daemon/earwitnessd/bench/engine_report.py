"""What was seen of the engines; read where there is neither torch nor a peer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from earwitnessd.bench.machine import Machine


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One that this machine does not have."""

    engine: str
    reason: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One engine, one shape of batch."""

    engine: str
    device: str
    threads: int | None
    # null: not computed by the CPU
    batch: int
    window_s: float
    ms: float
    # a batch, median
    ratio: float
    # transformers in float32 takes so many times as long
    ratio_bfloat16: float | None = None
    # transformers in bfloat16 does; null: not measured here
    max_rel_error: float
    # to transformers in float32: largest difference of a component, of the row's largest
    one_minus_cos: float
    # of the row that agrees least
    tflops: float
    # a second
    peak_share: float | None
    # of what the device can do densely in bfloat16; null: its maker's figure is not known here
    rounds: int


class EngineReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    machine: Machine
    gpus: list[str]
    model: str
    # its id
    peer: str
    rows: list[Row]
    refused: list[Refused]
    # engines that are not there, and why


def by_shape(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """What can be compared with each other, under a name for people."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        where = "GPU" if row.threads is None else f"{row.threads} thread{'s' if row.threads > 1 else ''}"
        groups.setdefault(f"{where}, batch {row.batch}, {row.window_s:g} s", []).append(row)
    return groups
