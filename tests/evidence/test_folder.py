"""Evidence lies on disk whole or not at all, for its owner only, and no longer than asked for."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earwitness.events import decode
from earwitnessd.assemble import evidence_folder
from earwitnessd.capture.messages import RATE
from earwitnessd.evidence.folder import DAY_S, EvidenceError, EvidenceFolder
from earwitnessd.settings.load import load
from tests.evidence.making import record
from tests.small_disk import SmallDisk, mounted

TINY_DISK_KB = 400


@pytest.fixture
def folder(tmp_path: Path) -> EvidenceFolder:
    return EvidenceFolder(tmp_path / "state" / "evidence", retention_days=7, max_files=1000)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path, TINY_DISK_KB) as disk:
        yield disk


def names(folder: EvidenceFolder) -> list[str]:
    return sorted(file.name for file in folder.directory.iterdir())


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def age(folder: EvidenceFolder, name: str, days: float) -> None:
    for file in folder.directory.glob(f"{name}.*"):
        moment = file.stat().st_mtime - days * DAY_S
        os.utime(file, (moment, moment))


def test_sound_and_sidecar_tell_the_whole_story(folder: EvidenceFolder) -> None:
    kept = record()
    file = folder.write(kept)
    told = json.loads(file.with_name(file.name.replace(".flac", ".json")).read_text(encoding="utf-8"))
    samples, rate = soundfile.read(file, dtype="float32")
    assert (rate, told["audio"]["rate"]) == (RATE, RATE)
    np.testing.assert_allclose(samples, kept.clip.samples, atol=1 / (1 << 15))
    assert told["audio"]["stop"] - told["audio"]["start"] == len(samples)
    assert told["audio"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert decode(json.dumps(told["event"]).encode()) == kept.event
    assert told["event"]["assurance"] == "evidence"


def test_files_are_called_after_time_stream_and_verdict_but_nobody(folder: EvidenceFolder) -> None:
    folder.write(record())
    name = "20261120T184026.448Z-desk-verified-7459ca99-31"
    assert names(folder) == [f"{name}.flac", f"{name}.json"]


def test_only_the_owner_may_look(folder: EvidenceFolder) -> None:
    before = os.umask(0o000)
    try:
        file = folder.write(record())
    finally:
        os.umask(before)
    assert mode(folder.directory) == 0o700
    assert mode(file) == 0o600


def test_a_folder_that_others_may_look_into_is_refused(folder: EvidenceFolder) -> None:
    folder.close()
    folder.directory.chmod(0o755)
    with pytest.raises(EvidenceError, match=r"others may look into it \(mode 755\).*chmod 700"):
        EvidenceFolder(folder.directory, 7, 1000)
    folder.directory.chmod(0o700)
    EvidenceFolder(folder.directory, 7, 1000).close()


def test_two_daemons_do_not_share_a_folder(folder: EvidenceFolder) -> None:
    with pytest.raises(EvidenceError, match="another earwitnessd keeps its evidence there"):
        EvidenceFolder(folder.directory, 7, 1000)


def test_where_nothing_is_kept_nothing_of_before_is_touched(folder: EvidenceFolder) -> None:
    settings = load(None, [f"evidence.directory={folder.directory}"])
    assert evidence_folder(settings) is None


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EvidenceError, match="Not a directory"):
        EvidenceFolder(tmp_path / "file" / "evidence", 7, 10)


def test_what_is_too_old_is_deleted_with_its_sidecar(folder: EvidenceFolder) -> None:
    old, new = record(seq=1), record(seq=2)
    for each in (old, new):
        folder.write(each)
    age(folder, old.name, days=7.1)
    age(folder, new.name, days=6.9)
    assert folder.sweep(time.time()) == 1
    assert names(folder) == [f"{new.name}.flac", f"{new.name}.json"]


def test_of_too_many_the_oldest_are_deleted(tmp_path: Path) -> None:
    folder = EvidenceFolder(tmp_path / "evidence", retention_days=7, max_files=2)
    kept = [record(seq=seq, seconds=0.1) for seq in range(1, 5)]
    for days, each in zip((1, 3, 2, 4), kept, strict=True):
        folder.write(each)
        age(folder, each.name, days)
    assert folder.sweep(time.time()) == 2
    assert {name.rpartition(".")[0] for name in names(folder)} == {kept[0].name, kept[2].name}


def test_other_files_are_never_touched(folder: EvidenceFolder) -> None:
    for name in ("notes.json", "holiday.flac", "20261120T184026.448Z-desk.flac"):
        file = folder.directory / name
        file.write_bytes(b"mine")
        os.utime(file, (0, 0))
    assert folder.sweep(time.time()) == 0
    assert len(names(folder)) == 3


def test_what_a_killed_daemon_left_half_is_cleared_away(folder: EvidenceFolder) -> None:
    (folder.directory / ".20261120T184026.448Z-desk-verified-7459ca99-31.flac.part").write_bytes(b"half")
    folder.close()
    EvidenceFolder(folder.directory, 7, 1000)
    assert names(folder) == []


def test_a_full_disk_leaves_neither_file_and_room_is_used_again(tiny_disk: SmallDisk) -> None:
    folder = EvidenceFolder(tiny_disk.folder, retention_days=7, max_files=2)
    folder.write(record(seq=1))
    with pytest.raises(OSError, match="No space left on device"):
        folder.write(record(seq=2))
    assert names(folder) == [f"{record(seq=1).name}.flac", f"{record(seq=1).name}.json"]
    age(folder, record(seq=1).name, days=8)
    folder.sweep(time.time())
    assert folder.write(record(seq=3)).exists()
    folder.close()
