from __future__ import annotations

import logging
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from earwitnessd.journal.entry import FIELDS, entry, priority
from earwitnessd.journal.handler import JournalHandler, is_journal


def record(text: str, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("earwitnessd.x", level, "/x.py", 7, text, (), None, "f")
    setattr(made, FIELDS, fields)
    return made


def decoded(datagram: bytes) -> dict[str, str]:
    """As journald reads it."""
    fields = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        if b"=" in name:
            key, _, value = name.partition(b"=")
            datagram = rest
        else:
            key = name
            (length,) = struct.unpack("<Q", rest[:8])
            value, datagram = rest[8 : 8 + length], rest[9 + length :]
        fields[key.decode()] = value.decode()
    return fields


def test_a_record_becomes_fields_of_the_journal() -> None:
    made = record("x", logging.WARNING, event="stream.opened", stream="mic", stream_id="")
    fields = decoded(entry(made, "stream mic opened", "earwitnessd"))
    assert fields["MESSAGE"] == "stream mic opened"
    assert fields["PRIORITY"] == "4"
    assert fields["EARWITNESS_EVENT"] == "stream.opened"
    assert fields["EARWITNESS_STREAM"] == "mic"
    assert fields["SYSLOG_IDENTIFIER"] == "earwitnessd"
    assert "EARWITNESS_STREAM_ID" not in fields  # nothing is said of it


def test_several_lines_stay_one_entry() -> None:
    text = "it failed\nTraceback:\n  MESSAGE=a lie"
    assert decoded(entry(record("x"), text, "earwitnessd"))["MESSAGE"] == text


@pytest.mark.parametrize(("level", "expected"), [(10, 7), (20, 6), (25, 6), (30, 4), (50, 2), (1, 7)])
def test_priorities_are_those_of_syslog(level: int, expected: int) -> None:
    assert priority(level) == expected


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextmanager
def journald(address: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(address))
        server.settimeout(5.0)
        yield server


def test_the_handler_sends_one_datagram_a_record(tmp_path: Path) -> None:
    with journald(tmp_path / "socket") as server:
        handler = JournalHandler(Kept(), address=tmp_path / "socket")
        handler.handle(record("hello"))
        assert decoded(server.recv(65536))["MESSAGE"] == "hello"
        handler.close()


def test_what_the_journal_does_not_take_goes_to_standard_error(tmp_path: Path) -> None:
    kept = Kept()
    handler = JournalHandler(kept, address=tmp_path / "nobody")
    handler.handle(record("hello"))
    handler.close()
    assert kept.texts == ["hello"]


def test_a_journal_that_does_not_read_holds_up_nobody(tmp_path: Path) -> None:
    kept = Kept()
    with journald(tmp_path / "socket"):
        handler = JournalHandler(kept, address=tmp_path / "socket")
        for number in range(2000):
            handler.handle(record(f"line {number}"))
        handler.close()
    assert kept.texts[-1] == "line 1999"


def test_only_the_output_that_systemd_connected_is_the_journal(tmp_path: Path) -> None:
    ours, _theirs = socket.socketpair()
    with ours, _theirs, (tmp_path / "log").open("wb") as file:
        found = os.fstat(ours.fileno())
        environ = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert is_journal(ours.fileno(), environ)
        assert not is_journal(file.fileno(), environ)  # redirected
        assert not is_journal(ours.fileno(), {})
        assert not is_journal(ours.fileno(), {"JOURNAL_STREAM": "nonsense"})
