"""Compiles what the fault tests have in C."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def why_not(header: str = "") -> str:
    """What is missing here, for `pytest.mark.skipif`; empty when it can be compiled."""
    if shutil.which("gcc") is None:
        return "needs gcc"
    if header and not Path("/usr/include", header).exists():
        return f"needs {header}"
    return ""


def shared_library(source: str, folder: Path, *options: str, name: str = "") -> Path:
    """Of one file in this folder."""
    library = folder / (name or Path(source).with_suffix(".so").name)
    command = [
        "gcc",
        "-shared",
        "-fPIC",
        "-O1",
        "-Wall",
        "-Werror",
        "-o",
        str(library),
        str(HERE / source),
        *options,
    ]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    return library
