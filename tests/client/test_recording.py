"""`earwitness record`, and reading what it wrote."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness import SpeakerLost, SpeakerVerified
from earwitness.events import encode
from earwitness.notices import Missed
from earwitness.recording import Recorder, read, read_with_times

from .events import heartbeat, lost, verified
from .fake_publisher import FakePublisher
from .programs import Program, earwitness, eventually, finished, refused

TIME = "2026-11-20T19:00:00.000Z"


@pytest.fixture
def publisher(events_endpoint: str) -> Iterator[FakePublisher]:
    with FakePublisher(events_endpoint) as made:
        yield made


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_events_are_kept_as_they_came_and_read_as_types(
    publisher: FakePublisher, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "day.jsonl"
    with Program(tmp_path, "record", str(file)) as program:
        assert publisher.subscribed.wait(30)
        publisher.publish(verified("anna"), lost("anna"))
        new = b'{"type": "speaker.cloned", "boot": "%s", "seq": 3,\n "extra": [1]}' % publisher.boot.encode()
        publisher.publish_raw(b"speaker.cloned", new)
        eventually(lambda: file.read_bytes().count(b'"event"') == 3)
        assert program.ended(number) == 0
        program.says("3 events written")
    events = list(read(file))
    assert [event.type for event in events] == ["speaker.verified", "speaker.lost", "speaker.cloned"]
    assert isinstance(events[0], SpeakerVerified)
    assert isinstance(events[1], SpeakerLost)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert all(line["received"].endswith("Z") for line in lines)
    assert [line["notice"]["kind"] for line in lines if "notice" in line] == ["connected", "skipped"]
    assert next(line["event"]["extra"] for line in lines if line.get("event", {}).get("seq") == 3) == [1]


def test_it_ends_after_its_time_and_takes_only_the_topics_asked_for(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    file = tmp_path / "day.jsonl"
    publisher.publish(heartbeat(), verified("anna"))
    result = finished(tmp_path, "record", str(file), "--for", "500ms", "--topics", "speaker")
    assert result.returncode == 0
    assert [event.type for event in read(file)] == ["speaker.verified"]


def test_without_a_daemon_it_is_3(tmp_path: Path) -> None:
    result = finished(tmp_path, "record", str(tmp_path / "day.jsonl"), "--for", "300ms")
    assert result.returncode == 3
    assert "is earwitnessd running?" in result.stderr


BODY = encode(lost(None))


def test_a_line_that_a_crash_left_unfinished_is_dropped_when_recording_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    with Recorder(file) as recorder:
        recorder.add_event(BODY, TIME)
        recorder.add_notice(Missed(topic=None, count=3), TIME)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:20])
    assert [recorded.received for recorded in read_with_times(file)] == [TIME]
    with Recorder(file) as recorder:
        recorder.add_event(BODY, TIME)
    assert len(list(read(file))) == 2


def test_a_first_line_that_never_ended_is_dropped_too(tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    file.write_bytes(b'{"received":"2026')
    with Recorder(file) as recorder:
        recorder.add_event(BODY, TIME)
    assert len(list(read(file))) == 1


@pytest.mark.parametrize("content", [b"Dear diary", b"Dear diary\n", b'{"some": "json"}\n', b"\x00\xff\n"])
def test_another_file_is_left_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "diary.txt"
    file.write_bytes(content)
    status, told = refused(capsys, "record", str(file), "--for", "100ms")
    assert status == 1
    assert "is no recording" in told
    assert file.read_bytes() == content


def test_two_do_not_write_to_one_file(tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    with Recorder(file), pytest.raises(ValueError, match="another `earwitness record`"):
        Recorder(file)


def test_a_full_disk_is_one_clear_line_and_leaves_no_half_events(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    file = tmp_path / "day.jsonl"
    limited = ["sh", "-c", 'ulimit -f 2; exec "$0" "$@"', *earwitness(tmp_path, "record", str(file))]
    with subprocess.Popen(limited, stderr=subprocess.PIPE, text=True) as process:
        assert publisher.subscribed.wait(30)
        publisher.publish(*[verified("anna") for _ in range(40)])
        assert process.wait(30) == 1
        assert process.stderr is not None
        told = process.stderr.read()
    kept = len(list(read(file)))
    assert 0 < kept < 40
    assert f"{kept} events are kept" in told
    assert file.read_bytes().endswith(b"\n")


def test_a_line_that_is_no_event_is_named(tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    with Recorder(file) as recorder:
        recorder.add_event(BODY, TIME)
    with file.open("ab") as more:
        more.write(b'{"received":"x","event":{"type":"speaker.lost"}}\n')
    with pytest.raises(ValueError, match="line 2: not a recorded event"):
        list(read(file))
