"""What the CPU has units for, as Linux says."""

from __future__ import annotations

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
_OF_TILES = {"amx_tile", "amx_bf16", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_bf16"}


def cpu_flags(cpuinfo: Path = CPUINFO) -> set[str] | None:
    """Of the first CPU; None: nothing is said of it."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((set(line.split()) for line in lines if line.startswith(("flags", "Features"))), set[str]())


def lacks_tiles(cpuinfo: Path = CPUINFO) -> str | None:
    """Why the kernels for tiles would not run on this CPU; None: it has all that they use."""
    missing = _OF_TILES - (cpu_flags(cpuinfo) or set())
    return f"this CPU lacks {', '.join(sorted(missing))}" if missing else None
