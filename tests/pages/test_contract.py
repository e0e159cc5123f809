"""The page of the wire contract tells every method; its tables of events are tested in `contract`."""

from __future__ import annotations

import re

import pytest

from earwitness.control import METHODS

from .page import Page

CODES = Page("clients/README.md").codes()
QUOTED = set(CODES) | set(re.findall(r"`([a-z_.]+)`", Page("clients/README.md").text))


@pytest.mark.parametrize("method", METHODS)
def test_every_control_method_is_described(method: str) -> None:
    assert method in QUOTED
