"""Every event has words."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from earwitness.events import AnyEvent
from earwitness.notices import Notice
from earwitness.words import clean, describe, number, span

from .events import stream_state


def example(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """A value with something plausible in each required field."""
    values: dict[str, object] = {}
    form = msgspec.inspect.type_info(kind)
    assert isinstance(form, msgspec.inspect.StructType)
    for field in form.fields:
        if field.required:
            values[field.encode_name] = _of(field.type)
    return msgspec.convert(values | _tag(kind), type=kind)


def _tag(kind: type[msgspec.Struct]) -> dict[str, object]:
    tag = kind.__struct_config__.tag
    return {} if tag is None else {"type": tag}


def _of(form: msgspec.inspect.Type) -> object:
    match form:
        case msgspec.inspect.StrType():
            return "word"
        case msgspec.inspect.IntType():
            return 3
        case msgspec.inspect.FloatType():
            return 1.5
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.ListType():
            return []
        case msgspec.inspect.LiteralType(values=values):
            return values[0]
        case msgspec.inspect.UnionType(types=types):
            return _of(types[0])
        case msgspec.inspect.Metadata(type=inner):
            return _of(inner)
        case msgspec.inspect.StructType(cls=cls):
            return msgspec.to_builtins(example(cls))
        case _:
            raise AssertionError(f"no example of {form}")


@pytest.mark.parametrize("kind", [*get_args(AnyEvent), *get_args(Notice)])
def test_every_event_and_notice_has_words(kind: type[AnyEvent]) -> None:
    event = example(kind)
    assert isinstance(event, kind)
    assert describe(event).text


def test_foreign_text_cannot_steer_the_terminal() -> None:
    assert clean("\x1b[2Jhello\nworld") == " [2Jhello world"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (119.0, "119 s"),
        (125.0, "2 min 05 s"),
        (7380.0, "2 h 03 min"),
        (200_000.0, "2 d 7 h"),
        (float("nan"), "\N{EN DASH}"),
        (None, "\N{EN DASH}"),
    ],
)
def test_durations_have_no_more_digits_than_anybody_reads(seconds: float | None, words: str) -> None:
    assert span(seconds) == words


def test_numbers_that_are_none_are_a_dash() -> None:
    assert number(None) == number(float("inf")) == "\N{EN DASH}"
    assert number(-0.5, "+.2f") == "\N{MINUS SIGN}0.50"
    assert stream_state().level_dbfs == -31.0
