"""Verdicts and their audio find each other, are written by a thread, and each that is not is counted."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from earwitness.events import StreamGap
from earwitnessd.capture.messages import RATE
from earwitnessd.evidence.clip import Clip
from earwitnessd.evidence.folder import EvidenceFolder
from earwitnessd.evidence.keeper import MOST_WAITING, EvidenceKeeper
from earwitnessd.evidence.record import Record
from earwitnessd.trusted_clock import Clock
from tests.evidence.making import STREAM_ID, clip, hit, noise, record, verified
from tests.readable import readable

WITHIN_S = 10.0


class SlowDisk(EvidenceFolder):
    """Writes nothing before it is let go."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, 7, 1000)
        self.let_go = threading.Event()

    def write(self, record: Record) -> Path:
        assert self.let_go.wait(WITHIN_S)
        return super().write(record)


class FullDisk(EvidenceFolder):
    """Has room only when somebody makes some."""

    room = False

    def write(self, record: Record) -> Path:
        if not self.room:
            raise OSError(28, "No space left on device")
        return super().write(record)


@contextmanager
def keeping(folder: EvidenceFolder, clock: Clock | None = None) -> Iterator[EvidenceKeeper]:
    keeper = EvidenceKeeper(folder, clock)
    try:
        yield keeper
    finally:
        keeper.close()


def wait_for(keeper: EvidenceKeeper, answers: int) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while keeper.kept + keeper.failed < answers:
        assert time.monotonic() < deadline_s
        readable(keeper, 0.1)
        keeper.on_written()


def keep(keeper: EvidenceKeeper, seq: int) -> None:
    event = verified(stop_s=10.0 + seq, seq=seq)
    keeper.on_event(event)
    keeper.on_clip(clip(event, seconds=0.2))


@pytest.mark.parametrize("synchronised", [False, True])
def test_a_date_far_ahead_deletes_what_is_too_old_only_if_it_is_synchronised(
    tmp_path: Path, synchronised: bool
) -> None:
    folder = EvidenceFolder(tmp_path / "evidence", 7, 1000)
    folder.write(record(seq=1))
    ahead = Clock(lambda: time.time() + 365 * 86_400.0, synchronised=lambda: synchronised)
    event = verified(seq=2)
    with keeping(folder, ahead) as keeper:
        keeper.on_event(event)
        keeper.on_clip(clip(event))
        wait_for(keeper, 1)
    first = folder.directory / f"{record(seq=1).name}.flac"
    assert first.exists() is not synchronised


def test_hits_of_two_watchlists_at_once_are_two_pieces_of_evidence(tmp_path: Path) -> None:
    folder = EvidenceFolder(tmp_path / "evidence", 7, 1000)
    hits = [hit("banned"), msgspec.structs.replace(hit("vip"), seq=33)]
    with keeping(folder) as keeper:
        for event in hits:
            keeper.on_event(event)
        for event in hits:
            keeper.on_clip(clip(event))
        wait_for(keeper, 2)
        assert keeper.kept == 2
    sidecars = [json.loads(file.read_text()) for file in folder.directory.glob("*-hit-*.json")]
    assert {each["event"]["group"] for each in sidecars} == {"banned", "vip"}


def test_a_verdict_and_its_audio_become_files(tmp_path: Path) -> None:
    with keeping(EvidenceFolder(tmp_path / "evidence", 7, 1000)) as keeper:
        keep(keeper, 1)
        keep(keeper, 2)
        wait_for(keeper, 2)
    assert (keeper.kept, keeper.failed, keeper.dropped) == (2, 0, 0)
    assert len(list((tmp_path / "evidence").glob("*.flac"))) == 2


def test_gaps_in_the_audio_are_named(tmp_path: Path) -> None:
    event = verified(stop_s=10.0)
    with keeping(EvidenceFolder(tmp_path / "evidence", 7, 1000)) as keeper:
        for stream_id, start in ((STREAM_ID, 1), (STREAM_ID, 5 * RATE), ("other-desk-1", 6 * RATE)):
            gap = StreamGap(
                stream="desk", stream_id=stream_id, start=start, stop=start + 100, samples=100, reason="clock"
            )
            keeper.on_event(gap)
        keeper.on_event(event)
        keeper.on_clip(Clip(clip(event).verdict, 5 * RATE + 40, noise(6.0)))
        wait_for(keeper, 1)
    (sidecar,) = (tmp_path / "evidence").glob("*.json")
    assert json.loads(sidecar.read_text())["audio"]["gaps"] == [[5 * RATE + 40, 5 * RATE + 100]]


def test_a_slow_disk_costs_evidence_that_is_counted_but_no_time(tmp_path: Path) -> None:
    disk = SlowDisk(tmp_path / "evidence")
    with keeping(disk) as keeper:
        for seq in range(1, MOST_WAITING + 4):
            keep(keeper, seq)
        assert keeper.dropped == 3
        disk.let_go.set()
        wait_for(keeper, MOST_WAITING)
    assert keeper.kept == MOST_WAITING


def test_a_disk_that_does_not_answer_is_left_behind_and_says_so(tmp_path: Path) -> None:
    disk = SlowDisk(tmp_path / "evidence")
    with keeping(disk) as keeper:
        keep(keeper, 1)
        began_s = time.monotonic()
        keeper.close(0.05)
        assert time.monotonic() - began_s < 0.5
        assert keeper.stuck
        disk.let_go.set()
    assert not keeper.stuck


def test_a_full_disk_is_counted_each_time_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    disk = FullDisk(tmp_path / "evidence", 7, 1000)
    with keeping(disk) as keeper:
        for seq in (1, 2, 3):
            keep(keeper, seq)
        wait_for(keeper, 3)
        disk.room = True
        keep(keeper, 4)
        wait_for(keeper, 4)
    assert (keeper.kept, keeper.failed) == (1, 3)
    said = [each.message for each in caplog.records]
    assert sum("No space left on device" in message for message in said) == 1
    assert "evidence is being written again" in said


def test_what_has_come_is_written_before_the_end(tmp_path: Path) -> None:
    with keeping(EvidenceFolder(tmp_path / "evidence", 7, 1000)) as keeper:
        keep(keeper, 1)
    assert len(list((tmp_path / "evidence").glob("*.flac"))) == 1


def test_audio_without_a_published_verdict_is_dropped_and_counted(tmp_path: Path) -> None:
    with keeping(EvidenceFolder(tmp_path / "evidence", 7, 1000)) as keeper:
        keeper.on_clip(clip(verified()))
    assert keeper.dropped == 1
