"""The kernels' sources, and how they are compiled."""

from __future__ import annotations

from pathlib import Path

from earwitnessd.native.compiling import Sources

KERNELS = Sources(
    name="amx",
    what="kernels for this CPU's AMX",
    folder=Path(__file__).resolve().parent,
    flags=(
        "-fopenmp",
        *(f"-mavx512{set_}" for set_ in ("f", "bw", "vl", "dq", "bf16")),
        "-mamx-tile",
        "-mamx-bf16",
    ),
)
