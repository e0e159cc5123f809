"""One log record in journald's native protocol: its text, its priority, its fields. Pure."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator, Mapping

PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
FIELDS = "earwitness"  # log.info(..., extra={FIELDS: {"event": "stream.opened", "stream": "mic"}})
MOST_TEXT = 48_000  # characters; a datagram takes more, but nobody reads it


def entry(record: logging.LogRecord, text: str, identifier: str) -> bytes:
    """The datagram; `text` is the formatted record, traceback and all."""
    fields = {
        "MESSAGE": text[:MOST_TEXT],
        "PRIORITY": str(priority(record.levelno)),
        "SYSLOG_IDENTIFIER": identifier,
        "LOGGER": record.name,
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
        **dict(_own_fields(record)),
    }
    return b"".join(_field(name, value) for name, value in fields.items())


def priority(level: int) -> int:
    """Of syslog; a level between two counts as the lower."""
    return PRIORITIES[max((known for known in PRIORITIES if known <= level), default=logging.DEBUG)]


def _own_fields(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    """EARWITNESS_EVENT, EARWITNESS_STREAM and so on."""
    given = getattr(record, FIELDS, None)
    if isinstance(given, Mapping):
        for name, value in given.items():
            if value not in {None, ""}:
                yield f"EARWITNESS_{name.upper()}", str(value)


def _field(name: str, value: str) -> bytes:
    """A value of several lines goes with its length."""
    data = value.encode("utf-8", errors="replace")
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)
