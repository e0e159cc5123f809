"""Pages name settings that exist, with values that they may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
import yaml

from earwitness.control import METHODS
from earwitness.schema import build
from earwitnessd.settings.load import checked, load
from earwitnessd.settings.root import Settings

from .commands import shown
from .page import NAMES, PAGES, Page

DOTTED = re.compile(r"^([a-z_]+(?:\.[a-z_]+)+)(?:: .*)?$")
FILES = (".py", ".key", ".jsonl")
OF_THE_WIRE = {*METHODS, *(build.tag_of(kind) for kind in build.EVENTS)}


def knows(kind: Any, path: list[str]) -> bool:
    """Whether settings of this type have something there."""
    if not path:
        return True
    origin = get_origin(kind)
    if origin is Annotated:
        return knows(get_args(kind)[0], path)
    if origin in {UnionType, Union}:
        return any(knows(each, path) for each in get_args(kind))
    if origin in {dict, Mapping}:
        return knows(get_args(kind)[1], path[1:])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = get_type_hints(kind, include_extras=True)
        return path[0] in kind.__struct_fields__ and knows(fields[path[0]], path[1:])
    return False


def named(page: Page) -> list[str]:
    """The settings that a page names by section and key."""
    dotted = [match[1] for code in page.codes() if (match := DOTTED.match(code))]
    return [
        name
        for name in dotted
        if name.split(".")[0] in Settings.__struct_fields__
        and name not in OF_THE_WIRE
        and not name.endswith(FILES)
        and not any(name.startswith(f"{event}.") for event in OF_THE_WIRE)
    ]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_names_settings_that_exist(page: Page) -> None:
    assert [name for name in named(page) if not knows(Settings, name.split("."))] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_what_a_page_sets_can_be_set(page: Page) -> None:
    for call in shown(page):
        if call.program == "earwitnessd":
            words = call.words
            load(None, [value for option, value in pairwise(words) if option == "--set"])


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_pages_settings_are_in_force_as_they_stand(page: Page) -> None:
    for block in page.blocks("yaml"):
        tree = yaml.safe_load(block)
        if "…" not in str(tree) and "daemon_key" not in tree:
            checked(tree)


def test_a_setting_that_does_not_exist_is_found() -> None:
    assert knows(Settings, ["engine", "precision"])
    assert knows(Settings, ["decision", "people", "anna", "target_fmr"])
    assert not knows(Settings, ["engine", "precison"])
    assert not knows(Settings, ["engine", "precision", "exact"])
