"""A profile database, and the people in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.people import People

from .custodian import Time
from .making import MODEL


@pytest.fixture
def time_() -> Time:
    return Time()


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with closing(People(ProfileStore(tmp_path / "profiles.db"), MODEL, 0.7)) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "profiles.db"


@pytest.fixture
def store(file: Path) -> Iterator[ProfileStore]:
    with closing(ProfileStore(file)) as opened:
        yield opened
