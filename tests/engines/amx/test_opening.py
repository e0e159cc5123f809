"""Kernels that cannot be had leave everything to torch, and the log says why."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from earwitnessd.engines.amx.opening import open_kernels
from earwitnessd.engines.amx.sources import KERNELS
from tests.engines.amx.here import needs_amx

BRINGS_ITS_OWN = pytest.mark.skipif(
    KERNELS.of_installation(Path(sys.prefix)).is_file(), reason="this installation brings its own"
)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_compiled_kernels_have_every_function_and_no_other_of_ours(tmp_path: Path) -> None:
    KERNELS.compile(tmp_path / "k.so")
    listed = subprocess.run(
        ["nm", "-D", tmp_path / "k.so"], capture_output=True, text=True, check=True
    ).stdout
    ours = {line.split()[-1] for line in listed.splitlines() if "earwitness_" in line}
    names = ("attend", "enable", "first", "normalise", "pack", "product", "split")
    assert ours == {f"earwitness_{name}" for name in names}


@needs_amx
@BRINGS_ITS_OWN
def test_kernels_that_cannot_be_had_leave_everything_to_torch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert open_kernels(tmp_path, compilers=("no-such-cc",)) is None
    assert "this CPU has AMX, and our kernels for it are not used: there is no C compiler" in caplog.text


@needs_amx
@BRINGS_ITS_OWN
def test_a_damaged_library_leaves_everything_to_torch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    KERNELS.library(tmp_path).write_bytes(b"\x7fELF, but no more")
    with caplog.at_level(logging.WARNING):
        assert open_kernels(tmp_path) is None
    assert "cannot be loaded" in caplog.text
