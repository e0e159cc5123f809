from __future__ import annotations

import pytest

from tests.daemon.conftest import recording, tiny_model

from .prices import Price

__all__ = ["recording", "tiny_model"]


@pytest.fixture
def price(request: pytest.FixtureRequest) -> Price:
    """Tell what a fault cost: `price("the sound server dies", lost="1.2 s of audio", back_s=0.8)`."""
    return Price(request.node, request.module.__name__.rpartition("test_")[2].replace("_", " "))
