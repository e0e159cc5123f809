"""Turns a tree of plain values into settings, or says which one is wrong and what is allowed."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T", bound=msgspec.Struct)


class SettingsError(Exception):
    """A setting that cannot be used: says where, what was found and what is allowed."""


def to_settings(tree: object, kind: type[T]) -> T:
    """Check every value against its field's type, then build `kind`."""
    _check(tree, inspect.type_info(kind), "")
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:  # what the walk below does not know of
        raise SettingsError(_with_path(str(error))) from None


def _with_path(message: str) -> str:
    """The path first, as everywhere else; msgspec says it last."""
    what, _, where = message.removesuffix("`").partition(" - at `$.")
    return _join(where, what)


def _check(value: object, kind: inspect.Type, path: str) -> None:
    if isinstance(kind, inspect.Metadata):
        _check(value, kind.type, path)
    elif isinstance(kind, inspect.StructType):
        _check_section(value, kind, path)
    elif isinstance(kind, inspect.DictType):
        _check_mapping(value, kind, path)
    elif isinstance(kind, inspect.UnionType):
        _check_union(value, kind, path)
    elif isinstance(kind, inspect.VarTupleType):
        _check_list(value, kind, path)
    else:
        _check_leaf(value, kind, path)


def _check_section(value: object, kind: inspect.StructType, path: str) -> None:
    entries = _mapping(value, path)
    fields = {field.encode_name: field for field in kind.fields}
    for key, entry in entries.items():
        if key == kind.tag_field:
            continue
        if key not in fields:
            raise SettingsError(_unknown(_join(path, key), str(key), [*fields]))
        if entry is None and isinstance(fields[key].type, inspect.StructType):
            entries[key] = {}  # everything below it is commented out
        else:
            _check(entry, fields[key].type, _join(path, key))
    missing = [name for name, field in fields.items() if field.required and name not in entries]
    if missing:
        raise SettingsError(f"{_join(path, missing[0])} is missing")


def _check_mapping(value: object, kind: inspect.DictType, path: str) -> None:
    for key, entry in _mapping(value, path).items():
        try:
            msgspec.convert(key, _python_type(kind.key_type))
        except msgspec.ValidationError:
            raise SettingsError(f"{_join(path, key)}: the name must be {_allowed(kind.key_type)}") from None
        _check(entry, kind.value_type, _join(path, key))


def _check_list(value: object, kind: inspect.VarTupleType, path: str) -> None:
    if not isinstance(value, list | tuple):
        raise SettingsError(f"{path} = {value!r}: must be a list of {_allowed(kind.item_type)}")
    for number, entry in enumerate(value):
        _check(entry, kind.item_type, f"{path}[{number}]")


def _check_union(value: object, kind: inspect.UnionType, path: str) -> None:
    structs = [each for each in kind.types if isinstance(each, inspect.StructType)]
    if not structs:
        _check_leaf(value, kind, path)
    elif value is None and any(isinstance(each, inspect.NoneType) for each in kind.types):
        return
    elif structs[0].tag_field is None:
        _check_section(value, structs[0], path)
    else:
        tag_field = structs[0].tag_field
        tags = {str(each.tag): each for each in structs}
        tag = _mapping(value, path).get(tag_field)
        if tag is None:
            raise SettingsError(f"{_join(path, tag_field)} is missing: must be one of {', '.join(tags)}")
        if not isinstance(tag, str) or tag not in tags:
            raise SettingsError(f"{_join(path, tag_field)} = {tag!r}: must be one of {', '.join(tags)}")
        _check_section(value, tags[tag], path)


def _check_leaf(value: object, kind: inspect.Type, path: str) -> None:
    try:
        msgspec.convert(value, _python_type(kind))
    except msgspec.ValidationError:
        raise SettingsError(f"{path} = {value!r}: must be {_allowed(kind)}") from None


def _mapping(value: object, path: str) -> dict[Any, object]:
    if not isinstance(value, dict):
        raise SettingsError(f"{path or 'the file'} = {value!r}: must be a group of settings (key: value)")
    return value


def _unknown(path: str, key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"known here: {', '.join(sorted(known))}"
    return f"{path}: unknown key; {hint}"


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _python_type(kind: inspect.Type) -> Any:
    """The type that msgspec converts to, back from its description."""
    if isinstance(kind, inspect.Metadata):
        return _python_type(kind.type)
    if isinstance(kind, inspect.UnionType):
        result = _python_type(kind.types[0])
        for each in kind.types[1:]:
            result = result | _python_type(each)
        return result
    if isinstance(kind, inspect.LiteralType):
        return Literal[kind.values]
    plain = {
        inspect.IntType: int,
        inspect.FloatType: float,
        inspect.StrType: str,
        inspect.BoolType: bool,
        inspect.NoneType: None,
    }[type(kind)]
    limits = {
        name: limit
        for name in ("gt", "ge", "lt", "le", "min_length", "max_length", "pattern")
        if (limit := getattr(kind, name, None)) is not None
    }
    return Annotated[plain, msgspec.Meta(**limits)] if limits else plain


def _allowed(kind: inspect.Type) -> str:
    """In words, for people."""
    if isinstance(kind, inspect.Metadata):
        described = (kind.extra_json_schema or {}).get("description")
        return str(described) if described else _allowed(kind.type)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(_allowed(each) for each in kind.types)
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(map(str, kind.values)) if len(kind.values) > 1 else repr(kind.values[0])
    if isinstance(kind, inspect.NoneType):
        return "empty"
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.StrType):
        return "text" if kind.pattern is None else f"text like {kind.pattern}"
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
        words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
        limits = [
            f"{word} {limit}" for name, word in words.items() if (limit := getattr(kind, name)) is not None
        ]
        return f"{noun} {' and '.join(limits)}".strip()
    raise AssertionError(f"no words for {kind}")
