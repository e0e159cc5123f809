"""A plan as a value and as a table: one kind of machine a column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from earwitnessd.sizing.figures import Figures
from earwitnessd.sizing.planning import Box, Cluster, Wish, cluster, one_box

if TYPE_CHECKING:
    from rich.table import Table

NO_GPU = (
    "GPU servers: not measured; run `earwitnessd plan --device cuda --save gpu.json` on one, then give "
    "--gpu gpu.json here."
)
METHOD = (
    "A machine carries as many streams as the simulated queue serves in time without a skipped window, all "
    "with phases of their own. A cluster is planned at 70 % of its threads, gates and replicas; a daemon's "
    "thread waits for its batches, 0.8 ms a window for the way."
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, what it was made from, and what it takes."""

    wish: Wish
    figures: Figures
    gpu_figures: Figures | None
    boxes: Box
    gpu_boxes: Box | None
    cluster: Cluster
    # its replicas are GPU servers where those are known
    notes: list[str]


def make_plan(wish: Wish, here: Figures, gpu: Figures | None) -> Plan:
    """With the machine that was measured here and, where there is one, a GPU server."""
    boxes = one_box(wish, here)
    notes = [f"Measured on {here.machine} ({here.device}, {here.model}).", METHOD]
    if gpu:
        notes.insert(1, f"GPU server: {gpu.machine} ({gpu.device}, {gpu.model}).")
        if gpu.model != here.model:
            notes.append(f"The GPU server was measured with another model: {gpu.model}, not {here.model}.")
    else:
        notes.append(NO_GPU)
    if not boxes.streams:
        notes.append("One stream alone is more than this machine can do in time: a smaller model, or a GPU.")
    return Plan(
        wish=wish,
        figures=here,
        gpu_figures=gpu,
        boxes=boxes,
        gpu_boxes=one_box(wish, gpu) if gpu else None,
        cluster=cluster(wish, here, gpu or here),
        notes=notes,
    )


def table(plan: Plan) -> Table:
    """For a terminal."""
    from rich import box  # noqa: PLC0415  # only where it is printed
    from rich.table import Table  # noqa: PLC0415

    wish = plan.wish
    title = f"{wish.streams} streams, a window every {wish.hop_s:g} s, speech {wish.speech:.0%} of the time"
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    shown.add_column("")
    columns = [("boxes like this one", _box_rows(plan.boxes))]
    if plan.gpu_boxes:
        columns.append(("GPU servers", _box_rows(plan.gpu_boxes)))
    columns.append(("cluster", _cluster_rows(plan.cluster)))
    for heading, _ in columns:
        shown.add_column(heading, justify="right")
    for number, (name, _) in enumerate(columns[0][1]):
        shown.add_row(name, *(rows[number][1] for _, rows in columns))
    return shown


def _box_rows(box: Box) -> list[tuple[str, str]]:
    return [
        ("streams on one", f"{box.streams}"),
        ("machines", f"{box.machines}" if box.machines else "cannot"),
        ("what is full first", box.limit),
        ("wait for an embedding, p50 / p99", f"{box.p50_ms:.0f} / {box.p99_ms:.0f} ms"),
        ("memory of one", _memory(box.memory_mb)),
        ("network of one, satellites", f"{box.satellite_mbit_s:.1f} Mbit/s"),
        ("windows a second, all", f"{box.windows_per_s:.0f}"),
        ("replicas of the model", "-"),
        ("gates to them", "-"),
    ]


def _cluster_rows(made: Cluster) -> list[tuple[str, str]]:
    return [
        ("streams on one", f"{made.streams_per_daemon}"),
        ("machines", f"{made.daemons} daemons"),
        ("what is full first", "a daemon's thread"),
        ("wait for an embedding, p50 / p99", "not simulated"),
        ("memory of one", _memory(made.daemon_mb)),
        ("network, windows to replicas", f"{made.gbit_s:.3g} Gbit/s"),
        ("windows a second, all", f"{made.windows_per_s:.0f}"),
        ("replicas of the model", f"{made.replicas}"),
        ("gates to them", f"{made.gates}"),
    ]


def _memory(mb: float) -> str:
    return f"{mb / 1024:.1f} GB" if mb >= 1024 and math.isfinite(mb) else f"{mb:.0f} MB"
