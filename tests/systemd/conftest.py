"""One throw-away machine for all tests of a file, with the service installed by our own command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import Machine, missing

PROGRAM = Path(sys.executable).parent / "earwitnessd"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    if why := missing():
        pytest.skip(why)
    with Machine() as booted:
        yield booted
        print(booted.journal_text())
