"""The section engine.remote: what is left open is asked for, before any audio crosses a network."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from earwitnessd.access.keys import new_key_pair
from earwitnessd.access.to_gate import place_of
from earwitnessd.settings.load import load
from earwitnessd.settings.remote import Remote
from earwitnessd.settings.validate import SettingsError


def written(tmp_path: Path, lines: str) -> Path:
    file = tmp_path / "daemon.yaml"
    file.write_text(f"engine:\n  remote:\n{lines}", encoding="utf-8")
    return file


def test_left_out_this_machine_computes() -> None:
    assert load(None).engine.remote is None


def test_an_address_and_two_keys_are_all_it_takes(tmp_path: Path) -> None:
    new_key_pair(tmp_path, "kitchen")
    new_key_pair(tmp_path, "gate")
    lines = f"    addresses: [tcp://10.0.0.7:7803]\n    secret_key_file: {tmp_path}/kitchen.key_secret\n"
    remote = load(written(tmp_path, f"{lines}    server_key: {tmp_path}/gate.key\n")).engine.remote
    assert remote is not None
    assert (remote.deadline_s, remote.failures, remote.fallback) == (1.0, 3, "local")
    place = place_of(remote)
    assert place.curve is not None
    assert f'"{place.curve.server.decode()}"' in (tmp_path / "gate.key").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("    {}\n", "engine.remote.addresses is missing"),
        ("    addresses: []\n", "name at least one, such as tcp://10.0.0.7:7803"),
        ("    addresses: [http://rack]\n", "'http://rack' must be tcp://HOST:PORT or ipc://PATH"),
        ("    addresses: [tcp://rack:1]\n", "tcp needs secret_key_file and server_key"),
        ("    addresses: [ipc:///g]\n    server_key: k\n", "secret_key_file and server_key go together"),
        ("    addresses: [ipc:///g]\n    deadline_s: 5\n", "must be at most max_lag_s = 2"),
        ("    addresses: [ipc:///g]\n    fallback: cpu\n", "engine.remote.fallback"),
        ("    addresses: [ipc:///g]\n    adress: x\n", "adress"),
    ],
)
def test_what_cannot_be_used_is_said_with_what_to_do(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(written(tmp_path, lines))
    assert says in str(refused.value)
    assert "engine" in str(refused.value)


@pytest.mark.parametrize("what", ["missing", "public", "readable by others"])
def test_a_key_that_cannot_be_used_is_told_by_its_setting(tmp_path: Path, what: str) -> None:
    public, secret = new_key_pair(tmp_path, "kitchen")
    if what == "readable by others":
        secret.chmod(stat.S_IRUSR | stat.S_IROTH)
    public.chmod(0o600)
    file = {"missing": tmp_path / "none", "public": public}.get(what, secret)
    remote = Remote(
        addresses=("tcp://rack:1",), secret_key_file=str(file), server_key=str(tmp_path / "kitchen.key")
    )
    with pytest.raises(SettingsError, match=r"^engine\.remote\.secret_key_file = "):
        place_of(remote)
