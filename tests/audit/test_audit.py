"""The audit log tells who asked for what and each change of a verdict, and loses nothing quietly."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from earwitness.control import (
    AnyMethod,
    BeginCheck,
    DeleteProfile,
    ExportProfile,
    GetStatus,
    ImportProfile,
    ListProfiles,
)
from earwitness.events import Event, ProfileDeleted, SpeakerLost, SpeakerUnknown, SpeakerVerified
from earwitnessd.audit.file import AuditFile
from earwitnessd.audit.keeper import AuditKeeper
from earwitnessd.audit.record import Verdicts, of_event, of_method
from earwitnessd.settings.root import Audit
from tests.readable import readable
from tests.small_disk import SmallDisk, mounted

WITHIN_S = 10.0
WHERE: dict[str, Any] = {"stream_id": "desk-1", "start": 0, "stop": 48_000}
TINY_DISK_KB = 64


def verified(speaker: str, stream: str = "desk", seq: int = 0) -> SpeakerVerified:
    event = SpeakerVerified(
        stream=stream,
        speaker=speaker,
        score=0.87,
        threshold=0.7,
        llr=4.25,
        posterior=0.98,
        runner_up="ben",
        margin=0.31,
        evidence_s=3.0,
        since=0,
        ttl_s=6.0,
        **WHERE,
    )
    return msgspec.structs.replace(event, seq=seq)


def unknown() -> SpeakerUnknown:
    return SpeakerUnknown(
        stream="desk", nearest="anna", score=0.3, threshold=0.7, evidence_s=2.0, ttl_s=6.0, **WHERE
    )


class Log:
    """A keeper, and what lies on the disk."""

    def __init__(self, file: Path, settings: Audit | None = None) -> None:
        self.file = file
        self.keeper = AuditKeeper(file, settings or Audit(), "boot-1")

    def close(self) -> None:
        self.keeper.close()

    def until_told(self, lines: int) -> None:
        """Until the writer has told of so many lines, written or lost."""
        while self.keeper.state.written + self.keeper.state.failed < lines:
            assert readable(self.keeper, WITHIN_S)
            self.keeper.on_written()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path / "audit.jsonl")
    yield made
    made.close()


def test_a_control_action_is_told_with_who_asked_and_how_it_ended(log: Log) -> None:
    log.keeper.on_done("uid 1000, gid 1000, process 7", DeleteProfile(name="anna"), "")
    log.keeper.on_done(
        "tcp 10.0.0.9, key kitchen", DeleteProfile(name="eve"), "nobody called 'eve' is enrolled"
    )
    log.until_told(2)
    first, second = log.lines()
    assert (first["what"], first["type"], first["who"]) == (
        "control",
        "profiles.delete",
        "uid 1000, gid 1000, process 7",
    )
    assert (first["asked"], "refused" in first, first["boot"]) == ({"name": "anna"}, False, "boot-1")
    assert second["refused"] == "nobody called 'eve' is enrolled"
    assert [first["n"], second["n"]] == [1, 2]
    assert first["time"].endswith("Z")


def test_secrets_are_never_written_and_reading_is_no_action() -> None:
    for method in (
        ExportProfile(name="anna", passphrase="correct horse battery"),
        ImportProfile(passphrase="correct horse battery"),
    ):
        fields = of_method("", method, "")
        assert fields is not None
        assert "horse" not in json.dumps(fields)
    reads: tuple[AnyMethod, ...] = (GetStatus(), ListProfiles())
    assert [of_method("", each, "") for each in reads] == [None, None]
    assert of_method("", BeginCheck(name="anna"), "") is not None


def test_a_verdict_is_told_when_it_changes_not_when_it_is_said_again(log: Log) -> None:
    lost = SpeakerLost(stream="desk", previous="anna", reason="silence", **WHERE)
    events: list[Event] = [verified("anna", seq=7), verified("anna", seq=8), verified("ben")]
    events += [unknown(), unknown(), lost, verified("ben")]
    for event in events:
        log.keeper.on_event(event)
    log.until_told(5)
    told = [(line["type"], line.get("told", {}).get("speaker")) for line in log.lines()]
    assert told == [
        ("speaker.verified", "anna"),
        ("speaker.verified", "ben"),
        ("speaker.unknown", None),
        ("speaker.lost", None),
        ("speaker.verified", "ben"),
    ]
    first = log.lines()[0]
    assert (first["stream"], first["stream_id"], first["seq"], first["stop"]) == ("desk", "desk-1", 7, 48_000)


def test_each_stream_has_its_own_verdict() -> None:
    verdicts = Verdicts()
    assert of_event(verified("anna", "desk"), verdicts)
    assert of_event(verified("anna", "door"), verdicts)
    assert of_event(verified("anna", "door"), verdicts) is None


def test_nothing_that_is_measured_of_a_voice_is_written() -> None:
    line = json.dumps(of_event(verified("anna"), Verdicts()))
    for figure in ("0.87", "4.25", "0.98", "0.31", "score", "llr", "posterior", "margin"):
        assert figure not in line


def test_who_was_deleted_by_time_is_told_with_the_reason() -> None:
    fields = of_event(ProfileDeleted(speaker="anna", reason="unheard"), Verdicts())
    assert fields is not None
    assert (fields["what"], fields["told"]) == ("profile", {"speaker": "anna", "reason": "unheard"})


def test_the_file_is_its_owners_only_even_if_it_was_not(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "sub" / "audit.jsonl", 10_000, 2)
    file.append(b"{}\n")
    assert stat.S_IMODE(file.file.stat().st_mode) == 0o600
    file.close()
    file.file.chmod(0o644)
    file.append(b"{}\n")
    assert stat.S_IMODE(file.file.stat().st_mode) == 0o600
    file.close()


def test_a_full_file_makes_room_and_the_oldest_goes(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "audit.jsonl", 100, 2)
    for number in range(10):
        file.append(f'{{"number": {number}, "padding": "{"x" * 30}"}}\n'.encode())
    file.close()
    kept = {each.name: each.read_text().count("\n") for each in tmp_path.iterdir()}
    assert set(kept) == {"audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"}
    assert all(each.stat().st_size <= 100 for each in tmp_path.iterdir())
    assert '"number": 9' in (tmp_path / "audit.jsonl").read_text()
    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}


def test_half_a_line_of_a_power_cut_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_bytes(b'{"n": 1}\n{"n": 2, "what"')
    file = AuditFile(tmp_path / "audit.jsonl", 10_000, 2)
    file.append(b'{"n": 3}\n')
    file.close()
    assert (tmp_path / "audit.jsonl").read_bytes().splitlines()[-1] == b'{"n": 3}'


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "audit.jsonl", 10_000, 2)
    file.append(b"1\n")
    (tmp_path / "audit.jsonl").rename(tmp_path / "elsewhere")
    file.append(b"2\n")
    file.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == b"2\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        AuditFile(tmp_path / "audit.jsonl", 10_000, 2).append(b"1\n")
    assert not (tmp_path / "victim").exists()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path, TINY_DISK_KB) as disk:
        yield disk


def test_a_full_disk_costs_lines_that_are_counted_and_said_once(
    tiny_disk: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(tiny_disk.folder / "audit.jsonl")
    tiny_disk.fill(but_kb=4)
    told = 0
    while not log.keeper.state.failed:
        log.keeper.on_done("uid 0", DeleteProfile(name="x" * 60), "y" * 1000)
        told += 1
        log.until_told(told)
    for _ in range(3):
        log.keeper.on_done("uid 0", DeleteProfile(name="x" * 60), "y" * 1000)
        told += 1
        log.until_told(told)
    assert caplog.text.count("cannot be written") == 1
    assert all(line["n"] for line in log.lines())  # whole lines only
    tiny_disk.empty()
    log.keeper.on_done("uid 0", DeleteProfile(name="anna"), "")
    told += 1
    log.until_told(told)
    assert "is being written again" in caplog.text
    assert log.lines()[-1]["n"] == told  # the numbers in between are missing, so that the loss shows
    assert log.keeper.state.written + log.keeper.state.failed == told
    log.close()


def test_what_was_told_before_the_end_is_on_disk(tmp_path: Path) -> None:
    log = Log(tmp_path / "audit.jsonl")
    for number in range(50):
        log.keeper.on_done("", DeleteProfile(name=f"p{number}"), "")
    log.close()
    assert [line["n"] for line in log.lines()] == list(range(1, 51))
