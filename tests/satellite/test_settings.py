"""Settings of both ends are checked before anything is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from earwitnessd.satellite.reading import dump, load
from earwitnessd.service.reloading import Reloading
from earwitnessd.settings import load as daemon_settings
from earwitnessd.settings.sources import Network, Pipe
from earwitnessd.settings.validate import SettingsError
from tests.satellite.field import MIC

CONFIGS = Path(__file__).parents[2] / "configs"
NEEDED = ["daemon=tcp://10.0.0.1:5572", "daemon_key=/k/daemon.key", "key=/k/hall.key_secret"]
CURVE = {"secret_key_file": "s", "subscribers": "a", "controllers": "b"}


def test_the_example_of_a_microphone_is_valid() -> None:
    settings = load(CONFIGS / "mic.yaml")
    assert (settings.send, settings.buffer_s) == ("speech", 120.0)
    assert yaml.safe_load(dump(settings))["source"]["source"] == "microphone"


def test_the_example_of_a_daemon_hears_two_rooms() -> None:
    settings = daemon_settings.load(CONFIGS / "satellites.yaml")
    assert [source for source in settings.streams.values() if isinstance(source, Network)] == [
        Network(label="ceiling"),
        Network(key="hall-raspberry"),
    ]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (NEEDED[1:], "daemon is missing"),
        ([*NEEDED, "daemon=10.0.0.1:5572"], "daemon = '10.0.0.1:5572': must be tcp://HOST:PORT"),
        ([*NEEDED, "daemon=tcp://10.0.0.1"], "must be tcp://HOST:PORT"),
        ([*NEEDED, "bufer_s=5"], "did you mean 'buffer_s'"),
        ([*NEEDED, "buffer_s=1"], "at least 2.0"),
        ([*NEEDED, "send=loud"], "one of everything, speech"),
        ([*NEEDED, "source={source: network}"], "one of microphone, file, pipe"),
        ([*NEEDED, "source={source: file, path: x.wav, pace: fast}"], "no faster than it hears"),
    ],
)
def test_a_satellites_settings_are_refused_with_what_is_allowed(overrides: list[str], says: str) -> None:
    with pytest.raises(SettingsError, match=says.replace("(", r"\(")):
        load(None, overrides)


def test_a_single_setting_over_the_files() -> None:
    settings = load(CONFIGS / "mic.yaml", ["source={source: pipe, rate: 8000}"])
    assert settings.source == Pipe(rate=8000)


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({"streams": {"hall": {"source": "network"}}}, "Set sockets.satellites"),
        ({"sockets": {"satellites": "tcp://0.0.0.0:5572"}}, "needs sockets.curve.satellites"),
        ({"sockets": {"satellites": "ipc:///x", "curve": {**CURVE, "satellites": "c"}}}, "must be tcp://"),
        (
            {
                "streams": {"hall": {"source": "network"}, "loft": {"source": "network", "key": "hall"}},
                "sockets": {"satellites": "tcp://0.0.0.0:5572", "curve": {**CURVE, "satellites": "c"}},
            },
            "streams.loft.key = 'hall': streams.hall has it already",
        ),
    ],
)
def test_a_daemons_settings_for_satellites_fit_together(
    tmp_path: Path, tree: dict[str, object], says: str
) -> None:
    file = tmp_path / "daemon.yaml"
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        daemon_settings.load(file)


def test_a_stream_whose_satellites_have_no_socket_yet_waits_for_a_restart(tmp_path: Path) -> None:
    old = daemon_settings.load(None)
    new = daemon_settings.load(CONFIGS / "satellites.yaml")
    plan = Reloading.plan(old, new)
    assert {"streams.kitchen", "streams.hall", "sockets"} <= set(plan.restart_needed)
    assert not any(isinstance(source, Network) for source in plan.settings.streams.values())


def test_the_command_says_what_is_wrong_and_makes_keys_and_a_unit(tmp_path: Path) -> None:
    def mic(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", MIC, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)

    refused = mic("run", "--set", "daemon=tcp://h:1")
    assert refused.returncode == 3
    assert "mic.key_secret is not there: earwitness-mic install" in refused.stderr
    made = mic("key", "hall")
    assert made.returncode == 0
    assert (tmp_path / "hall.key_secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "hall.key").exists()
    unit = mic("unit").stdout
    assert f"ExecStart={Path(sys.executable).absolute().parent}/earwitness-mic run" in unit
    (tmp_path / "hall.key_secret").chmod(0o644)
    keys = ["--set", f"key={tmp_path}/hall.key_secret", "--set", f"daemon_key={tmp_path}/hall.key"]
    open_to_all = mic("run", "--set", "daemon=tcp://127.0.0.1:1", *keys)
    assert open_to_all.returncode == 3
    assert "others can read it" in open_to_all.stderr


def test_the_satellite_loads_neither_numpy_nor_torch() -> None:
    heavy = ("numpy", "torch", "sounddevice", "typer", "rich", "yaml", "earwitness")
    code = f"import sys, earwitnessd.satellite.__main__; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
