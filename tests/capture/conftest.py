from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.virtual_microphone import VirtualMicrophone, why_not


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    if reason := why_not():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="ew") as folder, VirtualMicrophone(Path(folder)) as virtual:
        yield virtual
