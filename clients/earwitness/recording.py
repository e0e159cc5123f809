"""Recordings of events, a JSON line each with its time of receipt: written by `record`, read here."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from .events import AnyEvent, ForeignEvent, decode
from .notices import Notice

HEAD = 1 << 20  # bytes in which the first line must end


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the file: an event, or what the subscription noticed."""

    received: str
    # RFC 3339 UTC
    event: msgspec.Raw = msgspec.Raw(b"")
    # the body as it came
    notice: dict[str, str | int | None] | None = None
    # `kind`: missed, disconnected, ..., and what it has to say


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One event, and when it was received."""

    received: str
    event: AnyEvent | ForeignEvent


_lines = msgspec.json.Decoder(Line)


def read(file: str | Path) -> Iterator[AnyEvent | ForeignEvent]:
    """Yield the events of a recording in order."""
    for recorded in read_with_times(file):
        yield recorded.event


def read_with_times(file: str | Path) -> Iterator[Recorded]:
    """Yield the events with their times of receipt.

    A last line without an end is being written at this moment and left out; ValueError names any other line
    that cannot be read.
    """
    with Path(file).open("rb") as lines:
        for count, text in enumerate(lines, 1):
            if not text.endswith(b"\n"):
                return
            try:
                line = _lines.decode(text)
                event = decode(line.event) if line.event else None
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ValueError(f"{file}, line {count}: not a recorded event: {error}") from error
            if event is not None:
                yield Recorded(received=line.received, event=event)


class Recorder:
    """Appends to one file, which it locks; every line is whole or not there."""

    def __init__(self, file: Path) -> None:
        self.events = 0
        self.file = file
        self._fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._lock()
            self._end = self._mend()
        except BaseException:
            os.close(self._fd)
            raise

    def add_event(self, body: bytes, received: str) -> None:
        """Write one body as it came."""
        if b"\n" in body or b"\r" in body:
            body = msgspec.json.format(body, indent=-1)
        self._write(Line(received=received, event=msgspec.Raw(body)))
        self.events += 1

    def add_notice(self, notice: Notice, received: str) -> None:
        """Write what the subscription said, so that losses show in the recording too."""
        told = {"kind": type(notice).__name__.lower(), **msgspec.to_builtins(notice)}
        self._write(Line(received=received, notice=told))

    def close(self) -> None:
        """Make sure that it is on the disk."""
        try:
            os.fsync(self._fd)
        finally:
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{self.file} is being written by another `earwitness record`") from None

    def _mend(self) -> int:
        """Refuse what is no recording; drop the line that a crash left unfinished."""
        size = os.fstat(self._fd).st_size
        head = os.pread(self._fd, HEAD, 0)
        first, newline, _ = head.partition(b"\n")
        if newline:
            try:
                _lines.decode(first)
            except msgspec.DecodeError:
                raise ValueError(f"{self.file} exists and is no recording: give another name") from None
        elif not b'{"received":'.startswith(first[:12]):
            raise ValueError(f"{self.file} exists and is no recording: give another name")
        end = _after_last_newline(self._fd, size)
        os.ftruncate(self._fd, end)
        return end

    def _write(self, line: Line) -> None:
        text = msgspec.json.encode(line) + b"\n"
        try:
            written = os.write(self._fd, text)
            if written < len(text):  # the disk is nearly full; the rest fails and says why
                os.write(self._fd, text[written:])
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._end)
            raise OSError(
                error.errno, f"{error.strerror}; {self.events} events are kept", str(self.file)
            ) from None
        self._end += len(text)


def _after_last_newline(fd: int, size: int) -> int:
    at = size
    while at > 0:
        begin = max(0, at - HEAD)
        found = os.pread(fd, at - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        at = begin
    return 0
