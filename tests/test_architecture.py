"""The rules of ARCHITECTURE.md, executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DAEMON = ROOT / "daemon" / "earwitnessd"
CLIENT = ROOT / "clients" / "earwitness"
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

STAGES = (
    "capture",
    "ring",
    "windows",
    "speech",
    "hearing",
    "engines",
    "calibration",
    "score",
    "decision",
    "decide",
    "history",
    "publish",
)
# in the order of the data; each may import what stands before it
SHARED = {"settings", "models", "quality", "channel", "native", "wakeup"}
# values that several stages know, what compiles C of theirs, what wakes a poll
ALLOWED_BACKWARDS = {("ring", "capture"), ("windows", "capture"), ("capture", "ring")}
# the ring is used in the capture process too; windows name the captured samples' type
PURE = (
    "score/likeness.py",
    "score/matrix.py",
    "score/blocks.py",
    "calibration/calibration.py",
    "calibration/calibrator.py",
    "calibration/cohort.py",
    "decision/bounds.py",
    "decision/cosine.py",
    "decision/group_verdicts.py",
    "decision/groups.py",
    "decision/roster.py",
    "decision/sequential.py",
    "decision/targets.py",
    "decide.py",
    "windows.py",
    "quality.py",
    "channel.py",
    "enroll/collector.py",
    "enroll/company.py",
    "enroll/consistency.py",
    "enroll/explaining.py",
    "enroll/likeness.py",
    "enroll/second_voice.py",
    "service/vitals.py",
    "sharing/judging.py",
    "sharing/letter.py",
    "history.py",
    "journal/told.py",
    "doctor/finding.py",
    "install/allowances.py",
    "capture/hush.py",
    "capture/words.py",
    "satellite/allowance.py",
    "satellite/backlog.py",
    "satellite/clock.py",
    "satellite/conduct.py",
    "satellite/hearsay.py",
    "satellite/link.py",
)
IMPURE = {"zmq", "logging", "socket", "time", "threading", "sqlite3"}


def modules(root: Path) -> list[Path]:
    return sorted(root.rglob("*.py"))


@cache
def imports(file: Path) -> frozenset[str]:
    """Absolute names of everything this file imports when it runs, wherever in it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    return frozenset(
        name for node in ast.walk(tree) if node not in typing_only for name in _names(node, file)
    )


def _names(node: ast.AST, file: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = file.relative_to(
                CLIENT.parent if CLIENT in file.parents else DAEMON.parent
            ).parent.parts
            base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def imports_any(file: Path, packages: set[str]) -> set[str]:
    return {name for name in imports(file) if name.split(".")[0] in packages}


def stage_of(file: Path) -> str:
    return file.relative_to(DAEMON).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", modules(CLIENT), ids=lambda file: str(file.relative_to(CLIENT)))
def test_the_client_knows_neither_the_daemon_nor_anything_heavy(file: Path) -> None:
    heavy = {"earwitnessd", "torch", "transformers", "sounddevice", "soundfile", "numpy", "yaml"}
    assert not imports_any(file, heavy)


def test_only_engines_and_training_import_torch() -> None:
    guilty = {
        str(file.relative_to(DAEMON))
        for file in modules(DAEMON)
        if imports_any(file, {"torch", "transformers"})
        and stage_of(file) not in {"engines", "training"}
        and file not in {DAEMON / "cli" / "train.py", DAEMON / "bench" / "peer.py"}
    }
    assert guilty == set()


def test_the_engines_compute_without_transformers() -> None:
    assert not any(imports_any(file, {"transformers"}) for file in modules(DAEMON / "engines"))


def test_only_the_capture_process_imports_sounddevice() -> None:
    guilty = {stage_of(file) for file in modules(DAEMON) if imports_any(file, {"sounddevice"})}
    assert guilty <= {"capture"}


def test_only_what_serves_embeddings_imports_ray() -> None:
    guilty = {stage_of(file) for file in modules(DAEMON) if imports_any(file, {"ray"})}
    assert guilty == {"serving"}


def test_no_stage_imports_a_later_one() -> None:
    broken = []
    for file in modules(DAEMON):
        here = stage_of(file)
        if here not in STAGES:
            continue
        for name in imports(file):
            parts = name.split(".")
            if parts[0] != "earwitnessd" or len(parts) < 2 or parts[1] in SHARED:
                continue
            there = parts[1]
            known = there in STAGES and STAGES.index(there) <= STAGES.index(here)
            if not known and (here, there) not in ALLOWED_BACKWARDS:
                broken.append(f"{file.relative_to(DAEMON)} imports {name}")
    assert broken == []


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_has_no_socket_logger_or_clock(name: str) -> None:
    assert not imports_any(DAEMON / name, IMPURE)


@pytest.mark.parametrize("name", ["state.py", "view.py"])
def test_the_dashboard_is_a_function_of_events(name: str) -> None:
    assert not imports_any(CLIENT / "dashboard" / name, IMPURE)


def test_the_running_daemon_knows_nothing_of_training_or_evaluation() -> None:
    tools = {
        "training",
        "evaluation",
        "simulation",
        "fitting",
        "corpora",
        "bench",
        "sizing",
        "install",
        "doctor",
        "demo",
        "cli",
        "builtin",
        "serving",
    }
    guilty = [
        f"{file.relative_to(DAEMON)} imports {name}"
        for file in modules(DAEMON)
        if stage_of(file) not in tools
        for name in imports(file)
        if name.startswith(
            (
                "earwitnessd.training",
                "earwitnessd.evaluation",
                "earwitnessd.simulation",
                "earwitnessd.fitting",
                "earwitnessd.corpora",
                "earwitnessd.bench",
                "earwitnessd.sizing",
                "earwitnessd.install",
                "earwitnessd.doctor",
                "earwitnessd.demo",
                "earwitnessd.cli",
                "earwitnessd.serving",
            )
        )
        and file.name != "__main__.py"
    ]
    assert guilty == []


@pytest.mark.parametrize(
    "file", [*modules(DAEMON), *modules(CLIENT)], ids=lambda file: str(file.relative_to(ROOT))
)
def test_each_module_says_in_one_sentence_what_it_is(file: Path) -> None:
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert docstring, "a module needs a docstring"
    assert len(docstring.splitlines()[0]) <= 110


def test_the_folders_hold_one_package_each() -> None:
    for folder, package in (("daemon", "earwitnessd"), ("clients", "earwitness")):
        held = {path.name for path in (ROOT / folder).iterdir() if path.name != "__pycache__"}
        assert held == {package, "README.md"}


def test_the_architecture_names_every_package() -> None:
    packages = {file.parent for root in (DAEMON, CLIENT) for file in root.rglob("__init__.py")}
    missing = [each for each in packages - {DAEMON, CLIENT} if f"`{each.name}/`" not in PAGE]
    assert sorted(str(each.relative_to(ROOT)) for each in missing) == []


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/.-]+(?:/|\.py))`", PAGE))))
def test_what_the_architecture_names_is_there(path: str) -> None:
    places = [ROOT, DAEMON.parent, DAEMON, CLIENT, *(each for each in DAEMON.iterdir() if each.is_dir())]
    assert any((place / path).exists() for place in [*places, CLIENT / "schema"])
