"""C sources become a library for this machine, once."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.native.cpu import cpu_flags

COMPILERS = ("cc", "gcc", "clang")
NATIVE = "-march=native"
_ALWAYS = ("-O3", "-shared", "-fPIC")
_LONGEST_S = 120.0


class CompileError(Exception):
    """There is no library, and why."""


@dataclass(frozen=True, slots=True)
class Sources:
    """All C files of a folder."""

    name: str
    what: str
    # for people
    folder: Path
    flags: tuple[str, ...]
    libraries: tuple[str, ...] = ()

    def library(self, cache: Path, compilers: Sequence[str] = COMPILERS) -> Path:
        """That of this installation, or else the one in the cache, compiled if need be."""
        brought = self.of_installation(Path(sys.prefix))
        if brought.is_file():
            return brought
        made = cache / "native" / brought.name
        if not made.is_file():
            self.compile(made, compilers)
        return made

    def of_installation(self, prefix: Path) -> Path:
        """Beside the Python that runs us, where a service may load what it cannot write.

        Named by the sources, and by the CPU where they are compiled for exactly this one.
        """
        digest = hashlib.sha256(" ".join(self._options()).encode())
        for file in sorted(self.folder.glob("*.[ch]")):
            digest.update(file.read_bytes())
        if NATIVE in self.flags:
            digest.update(" ".join((platform.machine(), *sorted(cpu_flags() or ()))).encode())
        return prefix / "lib" / "earwitness" / f"{self.name}-{digest.hexdigest()[:16]}.so"

    def compile(self, target: Path, compilers: Sequence[str] = COMPILERS) -> None:
        """Into a file of that name, whole or not at all: another process may be loading it."""
        compiler = next((path for name in compilers if (path := shutil.which(name))), None)
        if compiler is None:
            raise CompileError(f"there is no C compiler ({', '.join(compilers)}): install gcc")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix="compiling-") as folder:
                made = Path(folder) / target.name
                self._compile(compiler, made)
                made.replace(target)
        except OSError as error:
            raise CompileError(f"{self.what} cannot be written to {target.parent}: {error}") from error

    def _compile(self, compiler: str, target: Path) -> None:
        files = map(str, sorted(self.folder.glob("*.c")))
        command = [compiler, *_ALWAYS, *self.flags, "-o", str(target), *files, *self.libraries]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise CompileError(f"{compiler} took over {_LONGEST_S:.0f} s for {self.what}") from error
        if done.returncode:
            why = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip())
            raise CompileError(f"{compiler} cannot compile {self.what}: {why}")

    def _options(self) -> tuple[str, ...]:
        return (*_ALWAYS, *self.flags, *self.libraries)
