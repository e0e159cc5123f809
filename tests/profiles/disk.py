"""What lies on the disk of a profile database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

DIMENSION = 128


def on_disk(file: Path) -> bytes:
    """Everything that lies with the database, its key aside."""
    return b"".join(
        each.read_bytes() for each in sorted(file.parent.iterdir()) if not each.name.endswith(".key")
    )


def sealed(file: Path) -> list[bytes]:
    with closing(sqlite3.connect(file)) as database:
        return [blob for (blob,) in database.execute("SELECT vector FROM exemplar ORDER BY id")]
