"""What the examples need and a machine may not have: packages from npm, a C compiler, jq."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NPM = (
    "npm",
    "install",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--ignore-scripts",
    "--prefer-offline",
)
NPM_PATIENCE = ("--fetch-retries=0", "--fetch-timeout=20000", "--loglevel=error")
INSTALL_S = 90.0


def need(*programs: str) -> None:
    """Skip the test where one of them is missing."""
    if missing := [program for program in programs if shutil.which(program) is None]:
        pytest.skip(f"there is no {' and no '.join(missing)}")


def node_modules() -> Path:
    """A folder whose packages are those of package.json; kept outside the repository for the next time."""
    need("node", "npm")
    wanted = (HERE / "node" / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earwitness-tests"
    kept = cache / f"node-{hashlib.sha256(wanted).hexdigest()[:12]}"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as made:
            (Path(made) / "package.json").write_bytes(wanted)
            _install(Path(made))
            Path(made).rename(kept)
            Path(made).mkdir()  # for the context manager to remove
    return kept


def _install(folder: Path) -> None:
    try:
        run = subprocess.run(
            [*NPM, *NPM_PATIENCE], cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm install took more than {INSTALL_S:g} s")
    if run.returncode:
        pytest.skip(f"npm install: {(run.stderr.strip() or 'failed').splitlines()[0]}")


def compiled(source: Path, program: Path, *libraries: str) -> Path:
    """The program, made with all warnings as errors."""
    need("cc")
    for library in libraries:
        probe = subprocess.run(
            ["cc", "-xc", "-fsyntax-only", "-"],
            input=f"#include <{library}.h>\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if probe.returncode:
            pytest.skip(f"{library}.h is not installed")
    options = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-o", str(program)]
    links = [f"-l{library}" for library in libraries]
    subprocess.run(["cc", *options, str(source), *links], check=True)
    return program
