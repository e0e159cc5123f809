"""The JSON Schema says what the types say, and every example is valid by it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from earwitness.control import METHODS
from earwitness.events import AnyEvent
from earwitness.schema import Part, build, examples, schema
from earwitness.schema.fields import UndescribedError, descriptions

GOLDEN = Path(__file__).parents[1] / "golden" / "conversation.jsonl"
EVENTS = build.events()
CONTROL = build.control()
VERIFIED: dict[str, Any] = EVENTS["$defs"]["speaker.verified"]["examples"][0]
EXAMPLES = [
    pytest.param(whole, name, example, id=name)
    for whole in (EVENTS, CONTROL)
    for name, definition in whole["$defs"].items()
    for example in definition.get("examples", ())
]


@pytest.mark.parametrize("part", Part)
def test_the_files_are_what_the_types_say(part: Part) -> None:
    assert schema(part) == build.text(part), "make them anew: python -m earwitness.schema.build"


@pytest.mark.parametrize("whole", [EVENTS, CONTROL], ids=["events", "control"])
def test_it_is_a_schema(whole: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(whole)


@pytest.mark.parametrize(("whole", "name", "example"), EXAMPLES)
def test_every_example_is_valid(whole: dict[str, Any], name: str, example: Any) -> None:
    Draft202012Validator(whole).validate(example)
    Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": whole["$defs"]}).validate(example)


def test_there_is_an_example_of_every_event_and_method() -> None:
    assert [type(event) for event in examples.EVENTS] == list(AnyEvent.__args__)
    assert {method.method for method, _ in examples.CONTROL} == set(METHODS)
    assert all(isinstance(result, method.result) for method, result in examples.CONTROL)


@pytest.mark.parametrize(
    "change",
    [{"later": 1}, {"type": "spoof.suspected"}, {"v": 2, "score": "high"}, {"score": 1}],
    ids=["new field", "new type", "new version", "int for float"],
)
def test_what_may_come_is_valid(change: dict[str, Any]) -> None:
    assert Draft202012Validator(EVENTS).is_valid(VERIFIED | change)


@pytest.mark.parametrize(
    "change",
    [{"score": "high"}, {"speaker": None}, {"seq": "1"}, {"assurance": "login"}, {"type": 5}],
    ids=lambda change: next(iter(change)),
)
def test_what_must_not_come_is_not(change: dict[str, Any]) -> None:
    assert not Draft202012Validator(EVENTS).is_valid(VERIFIED | change)


@pytest.mark.parametrize("field", VERIFIED)
def test_only_fields_with_a_default_may_be_missing(field: str) -> None:
    rest = {name: value for name, value in VERIFIED.items() if name != field}
    assert Draft202012Validator(EVENTS).is_valid(rest) == (
        field in {"posterior", "llr", "llr_bound", "groups", "doubts"}
    )


def test_what_the_daemon_said_of_the_bundled_conversation_is_valid() -> None:
    validator = Draft202012Validator(EVENTS)
    latency = EVENTS["$defs"]["window.scored"]["examples"][0]["latency_ms"]
    lines = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    assert lines
    for line in lines:
        of_one_run = {"boot": VERIFIED["boot"], "time": VERIFIED["time"], "latency_ms": latency}
        validator.validate(line | of_one_run)


def test_units_are_named() -> None:
    fields = EVENTS["$defs"]["window.scored"]["properties"]
    assert {name: field["unit"] for name, field in fields.items() if "unit" in field} == {
        "time": "RFC 3339",
        "start": "samples",
        "stop": "samples",
        "rate": "Hz",
        "speech_s": "s",
        "level_dbfs": "dBFS",
        "peak_dbfs": "dBFS",
        "snr_db": "dB",
        "clipped": "0 to 1",
        "overlap": "0 to 1",
    }


class Silent(msgspec.Struct):
    told: int
    """what it is"""
    untold: int


def test_a_field_that_says_nothing_is_refused() -> None:
    with pytest.raises(UndescribedError, match=r"Silent\.untold"):
        descriptions(Silent)


def test_the_command_prints_the_files() -> None:
    command = [str(Path(sys.executable).with_name("earwitness")), "schema"]
    printed = subprocess.run([*command, "control"], capture_output=True, check=True).stdout
    assert printed.decode() == schema(Part.CONTROL)
    assert subprocess.run(command, capture_output=True, check=True).stdout.decode() == schema(Part.EVENTS)
