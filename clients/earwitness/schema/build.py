"""Makes JSON Schema of the contract's types: `python -m earwitness.schema.build` writes the files."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ..control import CONTROL_SCHEMA, METHODS, Problem, Reply, Request
from ..control.requests import Method
from ..events import SCHEMA, AnyEvent, Event
from ..events.base import StreamEvent
from . import Part, examples
from .fields import descriptions

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILES = Path(__file__).parent
EVENTS: tuple[type[Event], ...] = AnyEvent.__args__
ALWAYS_SENT = {*Event.__struct_fields__, *StreamEvent.__struct_fields__}
# Their defaults are there for those who make events. Other defaults hold where a field is missing.

Schema = dict[str, Any]


def events() -> Schema:
    """One event, as it is in the second frame. `$defs` has each by its type."""
    known = [tag_of(kind) for kind in EVENTS]
    defs = _definitions((Event, *EVENTS), {kind.__name__: tag_of(kind) for kind in EVENTS})
    header = defs.pop("Event")
    for event in examples.EVENTS:
        defs[event.type]["examples"] = [msgspec.to_builtins(event)]
    understood = {"type": {"enum": known}, "v": {"const": SCHEMA}}
    defs["unknown"] = {
        **header,
        "title": "Unknown",
        "description": "An event of a newer daemon: skip it, but its numbers count.",
        "properties": header["properties"] | {"type": {"type": "string"}, "v": {"type": "integer"}},
        "not": {"properties": understood, "required": list(understood)},
    }
    return {
        "$schema": DIALECT,
        "$id": f"urn:earwitness:v{SCHEMA}:events",
        "title": "earwitness events",
        "description": "One event, as it is in the second frame. Fields and types not named here may come.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in (*known, "unknown")],
        "$defs": defs,
    }


def control() -> Schema:
    """One request or reply. `$defs` has both for each method, by its name."""
    kinds: list[type[Method]] = list(METHODS.values())
    parts = _definitions((Problem, *kinds, *dict.fromkeys(kind.result for kind in kinds)), {})
    asked: Schema = {}
    answered: Schema = {}
    for method, result in examples.CONTROL:
        kind = type(method)
        about = {"title": kind.__name__, "description": parts[kind.__name__]["description"]}
        asked[f"{kind.method}.request"] = about | _request(kind) | {"examples": [examples.request(method)]}
        answered[f"{kind.method}.reply"] = about | _reply(kind) | {"examples": [examples.reply(result)]}
    return {
        "$schema": DIALECT,
        "$id": f"urn:earwitness:v{CONTROL_SCHEMA}:control",
        "title": "earwitness control",
        "description": "A request or a reply. Fields not named here may come in replies.",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in (*asked, *answered)],
        "$defs": {**asked, **answered, **parts},
    }


def _request(kind: type[Method]) -> Schema:
    # Written out: msgspec makes no schema of Raw, and here the method says what is in it.
    told = descriptions(Request)
    needs_params = any(field.required for field in msgspec.structs.fields(kind))
    return {
        "type": "object",
        "properties": {
            "v": {"description": told["v"], "const": CONTROL_SCHEMA},
            "id": {"description": told["id"], "type": "string"},
            "method": {"description": told["method"], "const": kind.method},
            "params": {"description": told["params"], "$ref": f"#/$defs/{kind.__name__}"},
        },
        "required": ["method", "params"] if needs_params else ["method"],
    }


def _reply(kind: type[Method]) -> Schema:
    told = descriptions(Reply)
    return {
        "type": "object",
        "properties": {
            "v": {"description": told["v"], "const": CONTROL_SCHEMA},
            "id": {"description": told["id"], "type": "string"},
            "result": {"description": told["result"], **_or_null(kind.result)},
            "error": {"description": told["error"], **_or_null(Problem)},
        },
        "required": list(Reply.__struct_fields__),
    }


def _or_null(kind: type[msgspec.Struct]) -> Schema:
    return {"anyOf": [{"$ref": f"#/$defs/{kind.__name__}"}, {"type": "null"}]}


def text(part: Part) -> str:
    """The file's content."""
    built = events() if part is Part.EVENTS else control()
    return json.dumps(built, indent=1, ensure_ascii=False) + "\n"


def tag_of(kind: type[Event]) -> str:
    """The event's type on the wire."""
    return str(kind.__struct_config__.tag)


def _definitions(kinds: Iterable[type[msgspec.Struct]], names: dict[str, str]) -> dict[str, Schema]:
    """Every type by its new name, with what its source says about the fields."""
    kinds = tuple(kinds)
    _, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    types = {
        kind.__name__: kind for info in msgspec.inspect.multi_type_info(kinds) for kind in _structs(info)
    }
    for name, definition in components.items():
        told = descriptions(types[name])
        # older versions of msgspec leave docstrings indented
        definition["description"] = inspect.cleandoc(definition["description"])
        properties = definition["properties"]
        for field in told:
            properties[field] = _described(properties[field], told[field])
        if issubclass(kind := types[name], Event):
            _as_sent(definition, kind)
    return {names.get(name, name): definition for name, definition in components.items()}


def _described(schema: Schema, description: str) -> Schema:
    # Python and ECMAScript do not agree about what a letter is.
    described = {key: value for key, value in schema.items() if key not in {"description", "pattern"}}
    if "description" in schema:
        description = f"{description}; {schema['description']}"
    for option in described.get("anyOf", ()):
        if "unit" in option:
            described["unit"] = option.pop("unit")
    return {"description": description, **described}


def _as_sent(definition: Schema, kind: type[Event]) -> None:
    """Demand what the publisher always fills in."""
    properties = definition["properties"]
    properties["type"] = {"description": "what it is", "const": tag_of(kind)}
    for field in ALWAYS_SENT & set(properties):
        properties[field].pop("default", None)
    demanded = {*definition["required"], *ALWAYS_SENT}
    definition["required"] = [field for field in properties if field in demanded]


def _structs(info: msgspec.inspect.Type) -> Iterator[type[msgspec.Struct]]:
    """Find this type and those of its fields."""
    match info:
        case msgspec.inspect.StructType(cls=kind, fields=fields):
            yield kind
            for field in fields:
                yield from _structs(field.type)
        case msgspec.inspect.Metadata(type=inner) | msgspec.inspect.ListType(item_type=inner):
            yield from _structs(inner)
        case msgspec.inspect.UnionType(types=options):
            for option in options:
                yield from _structs(option)
        case _:
            pass


if __name__ == "__main__":
    for each in Part:
        (FILES / f"{each}.json").write_text(text(each), encoding="utf-8")
