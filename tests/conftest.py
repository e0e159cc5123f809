from __future__ import annotations

import pytest

from .faults import prices
from .standing import plugin


def pytest_configure(config: pytest.Config) -> None:
    """What is printed at the end must be known where nothing is collected, too."""
    config.pluginmanager.register(plugin, "standing")
    config.pluginmanager.register(prices, "prices")
