"""systemd's own judgement of the units that we ship."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from earwitnessd.install.allowances import drop_in
from earwitnessd.install.places import SYSTEM
from earwitnessd.settings.root import Metrics, Settings, Sockets

SHIPPED = Path(__file__).parents[2] / "systemd"
UNITS = [file.relative_to(SHIPPED) for file in sorted(SHIPPED.rglob("*.service"))]
MOST_EXPOSURE = 15  # tenths
NETWORKED = [
    Settings(),
    Settings(metrics=Metrics(listen="127.0.0.1:9464")),
    Settings(sockets=Sockets(events="tcp://0.0.0.0:7801", control="tcp://0.0.0.0:7802", insecure=True)),
]

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def written(folder: Path, name: Path, allowed: str = "") -> Path:
    """A unit whose programs exist, with what a drop-in would add."""
    text = (SHIPPED / name).read_text(encoding="utf-8")
    for program in ("earwitnessd", "earwitness-mic", "earwitness"):
        text = text.replace(f"/opt/earwitness/bin/{program} ", f"{sys.executable} ")
    file = folder / name.name
    file.write_text(text.replace("[Install]", f"{allowed}\n[Install]"), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", UNITS, ids=str)
def test_systemd_finds_no_fault_with_a_unit(tmp_path: Path, name: Path) -> None:
    unit = written(tmp_path, name)
    which = ["--user"] if name.parts[0] == "user" else []
    command = ["systemd-analyze", *which, "verify", "--man=no", str(unit)]
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stderr
    assert name.name not in done.stderr


@pytest.mark.parametrize("settings", NETWORKED, ids=["no network", "metrics", "tcp"])
def test_the_daemon_is_exposed_little_whatever_the_settings_need(tmp_path: Path, settings: Settings) -> None:
    allowed = drop_in(settings, [], SYSTEM).removeprefix("[Service]\n")
    unit = written(tmp_path, Path("earwitnessd.service"), allowed)
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSURE}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


EXPOSED = {"earwitness-mic": 15, "earwitness-embeddings": 15}
# tenths


@pytest.mark.parametrize("name", EXPOSED)
def test_units_of_other_machines_are_exposed_little(tmp_path: Path, name: str) -> None:
    unit = written(tmp_path, Path(f"{name}.service"))
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSED[name]}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_each_relaxation_says_what_it_is_for() -> None:
    lines = (SHIPPED / "earwitnessd.service").read_text(encoding="utf-8").splitlines()
    relaxed = [number for number, line in enumerate(lines) if line.endswith("=no")]
    assert len(relaxed) == 4
    assert all(lines[number - 1].startswith(("#", "PrivateIPC")) for number in relaxed)
