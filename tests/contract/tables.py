"""What pages show of events, made from the types: `python -m tests.contract.tables --write`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from earwitness.events import Event, SpeakerVerified, StreamEvent, encode
from earwitness.schema import build, examples
from earwitness.schema.build import Schema

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- events:begin -->", "<!-- events:end -->"
COMMAND = "python -m tests.contract.tables --write"
TYPES = {"string": "string", "integer": "int", "number": "float", "boolean": "bool", "null": "null"}
WIDTH = 124
SHOWN = next(event for event in examples.EVENTS if isinstance(event, SpeakerVerified))


def pages() -> dict[Path, str]:
    """The pages, each with what it shows when that is true."""
    shown = {ROOT / "clients" / "README.md": tables(), ROOT / "README.md": one_of_them()}
    return {page: _with(page.read_text(encoding="utf-8"), content) for page, content in shown.items()}


def _with(page: str, content: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def tables() -> str:
    """The header, the list of types, then each event."""
    schema = build.events()
    defs = schema["$defs"]
    verified = defs[SHOWN.type]["properties"]
    about_audio = [name for name in StreamEvent.__struct_fields__ if name not in Event.__struct_fields__]
    example = msgspec.to_builtins(SHOWN)
    return "\n\n".join(
        [
            "Every event has:",
            _table({name: verified[name] for name in ("type", *Event.__struct_fields__)}, example),
            "Events about audio also have:",
            _table({name: verified[name] for name in about_audio}, example),
            "The types:",
            _list_of_types(defs),
            "What each has besides:",
            *(block for kind in build.EVENTS for block in _event(kind, defs)),
            "One of them, as it is on the wire:",
            one_of_them(),
        ]
    )


def one_of_them() -> str:
    """An event as it is on the wire."""
    return f"```json\n{wrapped(encode(SHOWN).decode())}\n```"


def wrapped(body: str) -> str:
    """One JSON object on as many lines as the page is wide."""
    lines = [""]
    for piece in json.dumps(json.loads(body)).split(", "):
        if len(lines[-1]) + len(piece) > WIDTH:
            lines.append("")
        lines[-1] += f"{piece}, "
    return "\n ".join(line.rstrip() for line in lines).removesuffix(",")


def _list_of_types(defs: Schema) -> str:
    rows = ["| type | | when | for example under the topic |", "|---|---|---|---|"]
    for kind, event in zip(build.EVENTS, examples.EVENTS, strict=True):
        mark = "●" if kind.state_group else ""
        rows.append(f"| `{event.type}` | {mark} | {_cell(_about(defs[event.type]))} | `{event.topic}` |")
    return "\n".join(rows)


def _event(kind: type[Event], defs: Schema) -> Iterator[str]:
    definition = defs[build.tag_of(kind)]
    [example] = definition["examples"]
    header = {"type", *Event.__struct_fields__}
    if issubclass(kind, StreamEvent):
        header |= set(StreamEvent.__struct_fields__)
    own = {name: field for name, field in definition["properties"].items() if name not in header}
    if own:
        yield f"**`{build.tag_of(kind)}`**"
        yield from _fields(build.tag_of(kind), own, example, defs)


def _fields(name: str, properties: Schema, example: Any, defs: Schema) -> Iterator[str]:
    """One table, then those of the objects in it; without examples where the example has no such object."""
    yield _table(properties, example)
    for field, schema in properties.items():
        several = "items" in schema
        options = [schema["items"]] if several else schema.get("anyOf", [schema])
        reference: Schema = next((option for option in options if "$ref" in option), {})
        if "$ref" in reference:
            part = defs[reference["$ref"].rpartition("/")[2]]
            path = f"{name}.{field}{'[]' * several}"
            yield f"**`{path}`**: {_about(part)}."
            shown = example and example[field]
            shown = (shown[0] if shown else None) if several else shown
            yield from _fields(path, part["properties"], shown, defs)


def _table(properties: Schema, example: Any) -> str:
    rows = ["| field | type | unit | meaning | example |", "|---|---|---|---|---|"]
    for name, schema in properties.items():
        meaning = _cell(schema["description"])
        if values := schema.get("enum"):
            meaning = f"{', '.join(f'`{value}`' for value in values)}; {meaning}"
        shown = (
            ""
            if example is None or _type(schema) in {"object", "objects", "object or null"}
            else f"`{json.dumps(example[name])}`"
        )
        rows.append(f"| `{name}` | {_type(schema)} | {schema.get('unit', '')} | {meaning} | {shown} |")
    return "\n".join(rows)


def _type(schema: Schema) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "$ref" in schema:
        return "object"
    if "enum" in schema or "const" in schema:
        return TYPES[schema.get("type", "string")]
    if schema["type"] == "array":
        return f"{_type(schema['items'])}s"
    return TYPES[schema["type"]]


def _about(definition: Schema) -> str:
    """The first paragraph, without its full stop."""
    return " ".join(definition["description"].partition("\n\n")[0].split()).removesuffix(".")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        for page, text in pages().items():
            page.write_text(text, encoding="utf-8")
    else:
        print(tables())
