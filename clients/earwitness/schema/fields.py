"""Reads what a type's source says beneath its fields, as editors do."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise

import msgspec


class UndescribedError(Exception):
    """A field of the contract has no line beneath it that says what it is."""


def descriptions(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The text of every field, inherited ones too, by its name on the wire."""
    told: dict[str, str] = {}
    for parent in reversed(kind.__mro__):
        if issubclass(parent, msgspec.Struct) and parent is not msgspec.Struct:
            told |= _of_module(parent.__module__).get(parent.__name__, {})
    for field in kind.__struct_fields__:
        if field not in told:
            raise UndescribedError(f'{kind.__name__}.{field}: write """what it is""" on the line below it')
    return {field: told[field] for field in kind.__struct_fields__}


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {node.name: _of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    told = {}
    for field, below in pairwise(node.body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                told[name] = " ".join(text.split())
            case _:
                pass
    return told
