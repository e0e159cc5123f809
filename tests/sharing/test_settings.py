"""What is set about sharing fits together, or says what does not; `check` looks at the keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from earwitnessd.access.keys import new_key_pair
from earwitnessd.checks import _sharing
from earwitnessd.settings.load import load
from earwitnessd.settings.validate import SettingsError
from earwitnessd.sharing.signing import new_signing_key

CURVE = {"secret_key_file": "s", "subscribers": "a", "controllers": "b", "followers": "c"}
WRITER: dict[str, Any] = {
    "sockets": {"control": "tcp://127.0.0.1:7802", "curve": CURVE},
    "share": {"signing_key_file": "desk.signing_secret"},
}
FOLLOW = {
    "writer": "tcp://10.0.0.5:7802",
    "server_key_file": "desk.key",
    "key_file": "hall.key_secret",
    "signed_by": "desk.signing",
}


def loaded(tmp_path: Path, tree: dict[str, Any]) -> Any:
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return load(file)


def test_a_writer_and_a_follower_can_be_set(tmp_path: Path) -> None:
    assert loaded(tmp_path, WRITER).share.signing_key_file == "desk.signing_secret"
    assert loaded(tmp_path, {"follow": FOLLOW}).follow.writer == "tcp://10.0.0.5:7802"


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ({"share": WRITER["share"]}, "over tcp with keys"),
        ({**WRITER, "templates": {"allow_export": False}}, "no template may leave this machine"),
        ({**WRITER, "templates": {"forget_after_days_unheard": 30}}, "use keep_days instead"),
        ({**WRITER, "follow": FOLLOW}, "let all follow the same one"),
        ({"follow": {**FOLLOW, "writer": "ipc:///run/x"}}, "must be tcp://ADDRESS:PORT"),
        ({"follow": FOLLOW, "templates": {"keep_days": 30}}, "set it there"),
        ({"follow": {"writer": "tcp://10.0.0.5:7802"}}, r"follow\.server_key_file is missing"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, tree: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        loaded(tmp_path, tree)


def test_check_looks_at_the_keys(tmp_path: Path) -> None:
    missing = list(_sharing(loaded(tmp_path, {"follow": FOLLOW})))
    assert [(each.subject, each.fine) for each in missing] == [("follow", False)]
    new_key_pair(tmp_path, "desk")
    new_key_pair(tmp_path, "hall")
    new_signing_key(tmp_path, "desk")
    files = {key: str(tmp_path / value) for key, value in FOLLOW.items() if key != "writer"}
    [found] = _sharing(loaded(tmp_path, {"follow": {**FOLLOW, **files}}))
    assert found.fine
    assert "desk at tcp://10.0.0.5:7802" in found.says
