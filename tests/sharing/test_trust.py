"""People of whom nothing was heard for too long are not trusted, whether the daemon ran or not."""

from __future__ import annotations

import os
from pathlib import Path

from earwitnessd.sharing.trust import BESIDE, NOTED_EVERY_S, Trust

AFTER_S = 1000.0
WALL_S = 1_800_000_000.0


class Clock:
    """By hand."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def trust(database: Path, clock: Clock, after_s: float | None = AFTER_S, wall_s: float = WALL_S) -> Trust:
    return Trust(database, after_s, clock, lambda: wall_s)


def noted(database: Path, wall_s: float) -> Path:
    file = database.with_name(database.name + BESIDE)
    file.touch()
    os.utime(file, (wall_s, wall_s))
    return file


def test_it_ends_when_nothing_was_taken_over_for_so_long_and_begins_again_with_what_is(
    tmp_path: Path,
) -> None:
    clock = Clock()
    trusted = trust(tmp_path / "profiles.db", clock)
    clock.now_s += AFTER_S - 1.0
    assert not trusted.over
    trusted.agreed()
    clock.now_s += AFTER_S - 1.0
    assert not trusted.over
    clock.now_s += 1.0
    assert over(trusted)
    trusted.agreed()
    assert not over(trusted)


def over(trusted: Trust) -> bool:
    """It changes with time, which mypy does not know of a property."""
    return trusted.over


def test_time_that_the_daemon_did_not_run_counts(tmp_path: Path) -> None:
    database, clock = tmp_path / "profiles.db", Clock()
    noted(database, WALL_S - AFTER_S + 10.0)
    trusted = trust(database, clock)
    assert not trusted.over
    assert trusted.ends_s == clock.now_s + 10.0
    clock.now_s += 10.0
    assert trusted.over


def test_a_clock_that_was_set_back_or_a_note_that_is_not_there_distrusts_nobody(tmp_path: Path) -> None:
    database = tmp_path / "profiles.db"
    assert not trust(database, Clock()).over
    noted(database, WALL_S + 1e6)
    assert not trust(database, Clock()).over


def test_it_never_ends_where_that_is_set(tmp_path: Path) -> None:
    noted(tmp_path / "profiles.db", 0.0)
    trusted = trust(tmp_path / "profiles.db", Clock(), None)
    assert (trusted.over, trusted.ends_s) == (False, None)


def test_the_disk_is_written_once_a_minute(tmp_path: Path) -> None:
    database, clock = tmp_path / "profiles.db", Clock()
    file = noted(database, 1.0)
    trusted = trust(database, clock)
    trusted.agreed()
    assert file.stat().st_mtime > 1.0
    os.utime(file, (1.0, 1.0))
    clock.now_s += NOTED_EVERY_S - 1.0
    trusted.agreed()
    assert file.stat().st_mtime == 1.0
    clock.now_s += 1.0
    trusted.agreed()
    assert file.stat().st_mtime > 1.0
