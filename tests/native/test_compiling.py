"""C is compiled once for a machine, and what stands in the way is said."""

from __future__ import annotations

import ctypes
import shutil
import sys
from pathlib import Path

import pytest

from earwitnessd.native import compiling
from earwitnessd.native.compiling import NATIVE, CompileError, Sources
from earwitnessd.native.cpu import lacks_tiles

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "number.h").write_text("enum { NUMBER = 7 };\n")
    (folder / "answer.c").write_text('#include "number.h"\nint answer(void) { return 6 * NUMBER; }\n')
    return Sources("answer", "the answer", folder, ())


def compiler(folder: Path, script: str) -> str:
    """A program of ours in a compiler's place."""
    path = folder / "our-cc"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@needs_compiler
def test_a_library_is_compiled_once_and_stays(sources: Sources, tmp_path: Path) -> None:
    made = sources.library(tmp_path / "cache")
    assert ctypes.CDLL(str(made)).answer() == 42
    written_ns = made.stat().st_mtime_ns
    assert sources.library(tmp_path / "cache", compilers=()) == made
    assert made.stat().st_mtime_ns == written_ns
    assert [path.name for path in made.parent.iterdir()] == [made.name]


@needs_compiler
def test_what_the_installation_brings_comes_first(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    brought = sources.of_installation(tmp_path / "venv")
    assert brought.parent == tmp_path / "venv" / "lib" / "earwitness"
    sources.compile(brought)
    assert sources.library(tmp_path / "cache", compilers=()) == brought
    assert not (tmp_path / "cache").exists()


def test_other_sources_flags_or_cpus_have_another_name(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name(*flags: str) -> str:
        return Sources("answer", "the answer", sources.folder, flags).of_installation(tmp_path).name

    names = [name(), name("-g"), name(NATIVE)]
    assert names == [name(), name("-g"), name(NATIVE)]
    monkeypatch.setattr(compiling, "cpu_flags", lambda: {"of", "another", "cpu"})
    assert (name(), name("-g")) == (names[0], names[1])
    names.append(name(NATIVE))
    (sources.folder / "number.h").write_text("enum { NUMBER = 8 };\n")
    names.append(name())
    assert len(set(names)) == 5
    assert all(each.startswith("answer-") and each.endswith(".so") for each in names)


def test_without_a_compiler_it_is_said_what_to_install(sources: Sources, tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"no C compiler \(no-such-cc, neither\): install gcc"):
        sources.compile(tmp_path / "k.so", compilers=("no-such-cc", "neither"))


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(sources: Sources, tmp_path: Path) -> None:
    fails = compiler(tmp_path, "echo 'x.c:1: error: unrecognized option -mamx-tile' >&2; exit 1")
    with pytest.raises(CompileError, match=r"our-cc cannot compile the answer: .*unrecognized option"):
        sources.compile(tmp_path / "made" / "k.so", compilers=(fails,))
    assert not list((tmp_path / "made").iterdir())


def test_a_compiler_that_hangs_is_given_up(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "_LONGEST_S", 0.2)
    with pytest.raises(CompileError, match="took over 0 s for the answer"):
        sources.compile(tmp_path / "k.so", compilers=(compiler(tmp_path, "exec sleep 20"),))


def test_a_place_that_cannot_be_written_is_said(sources: Sources) -> None:
    with pytest.raises(CompileError, match="the answer cannot be written to /proc/self/made"):
        sources.compile(Path("/proc/self/made/k.so"))


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
