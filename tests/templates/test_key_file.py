"""The key: one file, private, made once, and never taken for another."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from earwitnessd.templates.errors import KeyFileError
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.key_file import CREDENTIAL, NONE_GIVEN, KeyPlace, read_key, write_key


def test_a_key_comes_back_as_it_was_written_for_its_owner_only(tmp_path: Path) -> None:
    key = TemplateKey.new()
    write_key(tmp_path / "key", key)
    assert read_key(tmp_path / "key") == key
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_keys_do_not_show_themselves() -> None:
    key = TemplateKey.new()
    assert key.secret.hex() not in repr(key)
    assert key.id not in key.secret.hex()
    assert TemplateKey.new().id != key.id


def test_what_is_derived_for_one_purpose_says_nothing_of_another() -> None:
    key = TemplateKey(bytes(32))
    assert key.derive("encryption") == TemplateKey(bytes(32)).derive("encryption")
    assert key.derive("encryption") != key.derive("rotation")
    assert key.secret not in (key.derive("encryption"), key.derive("rotation"))


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_key(tmp_path / "key", TemplateKey.new())
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(KeyFileError, match=r"others can read it \(mode 0640\): chmod 600"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize("content", ["", "hello", "ab" * 31, "xy" * 32])
def test_what_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(KeyFileError, match="holds no key"):
        read_key(tmp_path / "key")


def test_a_credential_that_systemd_did_not_find_is_named(tmp_path: Path) -> None:
    (tmp_path / CREDENTIAL).write_text(NONE_GIVEN)
    with pytest.raises(KeyFileError, match=r"/etc/earwitness/keys/template.key\) is not there. Restore it"):
        KeyPlace(tmp_path / CREDENTIAL, credential=True).read(None)
    unit = (Path(__file__).parents[2] / "systemd" / "earwitnessd.service").read_text(encoding="utf-8")
    assert f"SetCredential={CREDENTIAL}:{NONE_GIVEN}\n" in unit


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    write_key(tmp_path / "key", TemplateKey.new())
    with pytest.raises(FileExistsError):
        write_key(tmp_path / "key", TemplateKey.new())


def test_systemds_credential_comes_before_the_file_beside_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "profiles.db"
    assert KeyPlace.find("auto", database) == KeyPlace(tmp_path / "profiles.db.key", beside=True)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert KeyPlace.find("auto", database).beside
    key = TemplateKey.new()
    write_key(tmp_path / CREDENTIAL, key)
    (tmp_path / CREDENTIAL).chmod(0o440)  # as systemd gives them; an access list does the rest
    place = KeyPlace.find("auto", database)
    assert place == KeyPlace(tmp_path / CREDENTIAL, credential=True)
    assert place.read(None) == key
    assert KeyPlace.find("/etc/a.key", database) == KeyPlace(Path("/etc/a.key"))


def test_a_key_beside_the_database_is_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = KeyPlace.find("auto", tmp_path / "profiles.db")
    with caplog.at_level(logging.WARNING):
        key = place.create()
    assert "protects copies of the database alone" in caplog.text
    assert key.secret.hex() not in caplog.text
    assert place.create() == key
    caplog.clear()
    KeyPlace.find(str(tmp_path / "else" / "key"), tmp_path / "profiles.db").create()
    assert "protects copies of the database alone" not in caplog.text


def test_the_next_key_comes_into_force_only_where_the_database_is_sealed_with_it(tmp_path: Path) -> None:
    place = KeyPlace(tmp_path / "key")
    old, new = TemplateKey.new(), TemplateKey.new()
    write_key(place.file, old)
    write_key(place.next_file, new)
    assert place.read(old.id) == old
    assert place.next_file.exists()
    assert place.read(new.id) == new
    assert not place.next_file.exists()
    assert read_key(place.file) == new
