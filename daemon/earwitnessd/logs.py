"""Log lines for people on a terminal, and for the journal, which has its own clock and keeps fields."""

from __future__ import annotations

import logging
import sys

from earwitnessd.journal.entry import priority
from earwitnessd.journal.handler import JournalHandler, is_journal


class PriorityFormatter(logging.Formatter):
    """Puts the priority in front that journald and other readers of standard error understand."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, even where the message has several."""
        text = super().format(record).replace("\n", " | ")
        return f"<{priority(record.levelno)}>{text}"


def last_words(text: str, program: str = "earwitnessd") -> None:
    """Why the daemon ends, on a line of its own; it may be that nothing has been set up yet."""
    urgent = "<2>" if is_journal(sys.stderr.fileno()) else ""
    sys.stderr.write(f"{urgent}{program}: {text}\n")


def log_to_stderr(level: str, program: str = "earwitnessd") -> None:
    """Send log lines of at least this level to standard error, or to the journal behind it."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if is_journal(sys.stderr.fileno()):
        handler.setFormatter(PriorityFormatter("%(message)s"))
        handler = JournalHandler(otherwise=handler, identifier=program)
        handler.setFormatter(logging.Formatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("earwitnessd").setLevel(level.upper())
