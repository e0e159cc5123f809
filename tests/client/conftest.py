"""Endpoints of a test's own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def events_endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/events"


@pytest.fixture
def control_endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/control"
