"""The kernels' source becomes a library for this machine, once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from earwitnessd.engines.errors import EmbedError

COMPILERS = ("cc", "gcc", "clang")
_HERE = Path(__file__).resolve().parent
_FLAGS = (
    "-O3",
    "-shared",
    "-fPIC",
    "-fopenmp",
    *(f"-mavx512{set_}" for set_ in ("f", "bw", "vl", "dq", "bf16")),
    "-mamx-tile",
    "-mamx-bf16",
)
_LONGEST_S = 120.0


def library(cache: Path, compilers: Sequence[str] = COMPILERS) -> Path:
    """The compiled kernels: those of this installation, or else those in the cache, compiled if need be."""
    brought = of_installation(Path(sys.prefix))
    if brought.is_file():
        return brought
    made = cache / "amx" / brought.name
    if not made.is_file():
        compile_kernels(made, compilers)
    return made


def of_installation(prefix: Path) -> Path:
    """Beside the Python that runs us, where a service may load what it cannot write; named by the source."""
    digest = hashlib.sha256(" ".join(_FLAGS).encode())
    for file in sorted(_HERE.glob("*.[ch]")):
        digest.update(file.read_bytes())
    return prefix / "lib" / "earwitness" / f"amx-{digest.hexdigest()[:16]}.so"


def compile_kernels(target: Path, compilers: Sequence[str] = COMPILERS) -> None:
    """Into a file of that name, whole or not at all: another process may be loading it."""
    compiler = next((path for name in compilers if (path := shutil.which(name))), None)
    if compiler is None:
        raise EmbedError(f"there is no C compiler ({', '.join(compilers)}): install gcc")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="compiling-") as folder:
            made = Path(folder) / target.name
            _compile(compiler, made)
            made.replace(target)
    except OSError as error:
        raise EmbedError(f"the kernels cannot be written to {target.parent}: {error}") from error


def _compile(compiler: str, target: Path) -> None:
    command = [compiler, *_FLAGS, "-o", str(target), *map(str, sorted(_HERE.glob("*.c")))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise EmbedError(f"{compiler} has not compiled the kernels within {_LONGEST_S:.0f} s") from error
    if done.returncode:
        why = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip())
        raise EmbedError(f"{compiler} cannot compile the kernels: {why}")
