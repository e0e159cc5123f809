"""`earwitnessd keys` makes, lists and revokes."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earwitnessd.access.keys import new_key_pair
from earwitnessd.cli.keys import app


@pytest.fixture
def config(tmp_path: Path) -> Path:
    _, secret = new_key_pair(tmp_path, "daemon")
    for name in ("subscribers", "controllers"):
        (tmp_path / name).mkdir()
    for name, lists in (("tablet", ["subscribers"]), ("admin", ["subscribers", "controllers"])):
        public, _ = new_key_pair(tmp_path / "clients", name)
        for each in lists:
            (tmp_path / each / public.name).write_bytes(public.read_bytes())
    file = tmp_path / "settings.yaml"
    file.write_text(
        "sockets:\n  control: tcp://127.0.0.1:7802\n  curve:\n"
        f"    secret_key_file: {secret}\n"
        f"    subscribers: {tmp_path}/subscribers\n    controllers: {tmp_path}/controllers\n"
    )
    return file


def keys(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def test_list_says_what_each_key_may_do(config: Path) -> None:
    lines = keys("list", "--config", str(config)).output.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [
        ["admin", "subscribe and control"],
        ["tablet", "subscribe"],
    ]


def test_a_revoked_key_is_on_no_list_and_its_file_is_kept(config: Path) -> None:
    assert keys("revoke", "admin", "--config", str(config)).exit_code == 0
    assert "admin" not in keys("list", "--config", str(config)).output
    assert (config.parent / "subscribers" / "admin.key.revoked").is_file()
    assert (config.parent / "controllers" / "admin.key.revoked").is_file()


def test_what_cannot_be_revoked_is_refused_with_what_there_is(config: Path, tmp_path: Path) -> None:
    unknown = keys("revoke", "nobody", "--config", str(config))
    assert unknown.exit_code == 2
    assert "there are: admin, tablet" in unknown.output
    assert keys("new", "../escape", "--to", str(tmp_path)).exit_code == 2
    (tmp_path / "plain.yaml").write_text("model: builtin\n")
    assert "no sockets.curve" in keys("list", "--config", str(tmp_path / "plain.yaml")).output
