"""Kernels are compiled once for a machine; what stands in the way is said, and torch computes meanwhile."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from earwitnessd.engines import EmbedError
from earwitnessd.engines.amx.compiling import compile_kernels, library, of_installation
from earwitnessd.engines.amx.opening import open_kernels
from earwitnessd.engines.cpu import lacks_tiles
from tests.engines.amx.here import needs_amx

BROUGHT = of_installation(Path(sys.prefix))


def compiler(folder: Path, script: str) -> str:
    """A program of ours in a compiler's place."""
    path = folder / "our-cc"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_kernels_are_compiled_once_and_stay(tmp_path: Path) -> None:
    if BROUGHT.is_file():
        pytest.skip("this installation brings its own")
    made = library(tmp_path)
    written_ns = made.stat().st_mtime_ns
    assert library(tmp_path, compilers=()) == made
    assert made.stat().st_mtime_ns == written_ns
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_the_compiled_kernels_have_every_function_and_no_other_of_ours(tmp_path: Path) -> None:
    compile_kernels(tmp_path / "k.so")
    listed = subprocess.run(
        ["nm", "-D", tmp_path / "k.so"], capture_output=True, text=True, check=True
    ).stdout
    ours = {line.split()[-1] for line in listed.splitlines() if "earwitness_" in line}
    names = ("attend", "enable", "first", "normalise", "pack", "product", "split")
    assert ours == {f"earwitness_{name}" for name in names}


def test_without_a_compiler_it_is_said_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(EmbedError, match=r"no C compiler \(no-such-cc, neither\): install gcc"):
        compile_kernels(tmp_path / "k.so", compilers=("no-such-cc", "neither"))


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(tmp_path: Path) -> None:
    fails = compiler(tmp_path, "echo 'x.c:1: error: unrecognized option -mamx-tile' >&2; exit 1")
    with pytest.raises(EmbedError, match=r"our-cc cannot compile the kernels: .*unrecognized option"):
        compile_kernels(tmp_path / "amx" / "k.so", compilers=(fails,))
    assert not list((tmp_path / "amx").iterdir())


def test_a_place_that_cannot_be_written_is_said() -> None:
    with pytest.raises(EmbedError, match="cannot be written to /proc/self/amx"):
        compile_kernels(Path("/proc/self/amx/k.so"))


def test_another_source_has_another_name() -> None:
    assert BROUGHT.name.startswith("amx-")
    assert of_installation(Path(sys.prefix)) == BROUGHT
    assert BROUGHT.is_relative_to(sys.prefix)


@needs_amx
def test_kernels_that_cannot_be_had_leave_everything_to_torch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if BROUGHT.is_file():
        pytest.skip("this installation brings its own")
    with caplog.at_level(logging.WARNING):
        assert open_kernels(tmp_path, compilers=("no-such-cc",)) is None
    assert "this CPU has AMX, and our kernels for it are not used: there is no C compiler" in caplog.text


@needs_amx
def test_a_damaged_library_leaves_everything_to_torch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if BROUGHT.is_file():
        pytest.skip("this installation brings its own")
    library(tmp_path).write_bytes(b"\x7fELF, but no more")
    with caplog.at_level(logging.WARNING):
        assert open_kernels(tmp_path) is None
    assert "cannot be loaded" in caplog.text


@pytest.mark.parametrize(
    ("flags", "lacking"),
    [
        ("avx512f avx512bw avx512vl avx512dq avx512_bf16 amx_tile amx_bf16", None),
        ("avx512f avx512bw avx512vl avx512dq avx512_bf16", "this CPU lacks amx_bf16, amx_tile"),
        ("", "this CPU lacks amx_bf16, amx_tile, avx512_bf16"),
    ],
)
def test_what_a_cpu_lacks_is_read_from_its_flags(tmp_path: Path, flags: str, lacking: str | None) -> None:
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    found = lacks_tiles(tmp_path / "cpuinfo")
    assert found is None if lacking is None else str(found).startswith(lacking)
