"""A damaged profile database is moved aside; the daemon listens on, and says so until somebody acts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from earwitness.events import WindowScored
from earwitnessd.profiles.aside import MARK

from .patient import Patient
from .prices import Price


def garbage(file: Path) -> None:
    file.write_bytes(os.urandom(20_000))


def zeros(file: Path) -> None:
    file.write_bytes(b"\0" * 8192)


def overwritten_page(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    for page in range(4096, len(whole), 4096):
        whole[page : page + 600] = b"\xff" * 600
    file.write_bytes(whole)


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 // 4096 * 4096 + 100)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "garbage": garbage,
    "zeros": zeros,
    "overwritten pages": overwritten_page,
    "cut off": cut_off,
}


@pytest.mark.parametrize(
    "kind", [kind if kind == "garbage" else pytest.param(kind, marks=pytest.mark.slow) for kind in DAMAGES]
)
def test_a_damaged_database_is_kept_aside_told_loudly_and_stops_nobody(
    tmp_path: Path, kind: str, price: Price
) -> None:
    file = tmp_path / "profiles.db"
    with Patient(tmp_path) as daemon:
        for number in range(3):
            daemon.enrol(f"guest{number}")
        daemon.stop()
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        DAMAGES[kind](file)
        damaged = file.read_bytes()
        back_s = daemon.restart()
        (kept,) = tmp_path.glob(f"profiles.db{MARK}*Z")
        assert kept.read_bytes() == damaged
        assert daemon.names() == []
        assert f"now lies at {kept}: NOBODY IS ENROLLED" in daemon.log
        daemon.wait_for(WindowScored)
        daemon.enrol("anna")
        beat = daemon.control.status().heartbeat
        assert beat.profiles_damaged == str(kept)
        assert f"PROFILES DAMAGED, moved to {kept}" in beat.status
        kept.unlink()
        daemon.stop(9)
        daemon.restart()
        assert daemon.names() == ["anna"]
        assert daemon.control.status().heartbeat.profiles_damaged == ""
    price(
        f"the database is damaged ({kind})",
        lost="all profiles, until the file that was moved aside is restored",
        back_s=back_s,
        so="starts with an empty one; log, `status`, heartbeat and metric tell until the file is dealt with",
    )


@pytest.mark.slow
def test_a_database_of_a_newer_version_is_not_damage(tmp_path: Path, price: Price) -> None:
    file = tmp_path / "profiles.db"
    with Patient(tmp_path) as daemon:
        daemon.enrol("anna")
        daemon.stop()
        with closing(sqlite3.connect(file)) as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            database.execute("PRAGMA user_version = 999")
        daemon.launch()
        assert daemon.process.wait(30) == 3
        assert "made by a newer earwitness" in daemon.log
        assert not list(tmp_path.glob(f"*{MARK}*"))
        with closing(sqlite3.connect(file)) as database:
            database.execute(f"PRAGMA user_version = {version}")
        back_s = daemon.restart()
        assert daemon.names() == ["anna"]
    price(
        "the database is of a newer version",
        lost="nothing",
        back_s=back_s,
        so="does not start, touches nothing, and says so",
    )
