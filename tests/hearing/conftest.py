"""An open ear."""

from __future__ import annotations

import pytest

from .ear import Ear


@pytest.fixture
def ear() -> Ear:
    made = Ear()
    made.open()
    return made
