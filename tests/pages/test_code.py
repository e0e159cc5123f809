"""What pages show of Python and JSON can be read, and names what is there."""

from __future__ import annotations

import ast
import json

import pytest

import earwitness

from .page import NAMES, PAGES, Page


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_pages_programs_compile_and_name_what_the_package_has(page: Page) -> None:
    for block in page.blocks("python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "earwitness" or hasattr(earwitness, node.attr), node.attr


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_pages_json_is_json(page: Page) -> None:
    for block in page.blocks("json"):
        json.loads(block)
