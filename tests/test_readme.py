"""The README tells the whole contract: every event, field, reason, method and command that exists."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from earwitness.control import METHODS
from earwitness.events import AnyEvent, EngineState, Event, SocketState, StreamState

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
QUOTED = set(re.findall(r"`\"?([a-z_.]+)\"?`", README)) | set(re.findall(r'"([a-z_]+)"', README))
KINDS: tuple[type[Event], ...] = AnyEvent.__args__


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__struct_config__.tag))
def test_every_event_and_field_is_described(kind: type[Event]) -> None:
    assert kind.__struct_config__.tag in QUOTED
    assert set(kind.__struct_fields__) - QUOTED == set()


@pytest.mark.parametrize("kind", [EngineState, SocketState, StreamState])
def test_every_part_of_the_heartbeat_is_described(kind: type[msgspec.Struct]) -> None:
    assert set(kind.__struct_fields__) - QUOTED == set()


def test_state_bearing_events_are_marked() -> None:
    table = README.partition("### The events")[2].partition("### Control")[0]
    rows = dict(re.findall(r"^\| `([a-z.]+)` \| (●?) ?\|", table, re.MULTILINE))
    assert rows == {str(kind.__struct_config__.tag): "●" if kind.state_group else "" for kind in KINDS}


@pytest.mark.parametrize("method", METHODS)
def test_every_control_method_is_described(method: str) -> None:
    assert method in QUOTED


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    ci = (Path(__file__).parent.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert "bash tests/run.sh" in README
    assert "\nbash tests/run.sh" in ci
