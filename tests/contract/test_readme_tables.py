"""The README's tables of events are what the types say."""

from __future__ import annotations

from . import tables


def test_the_readme_has_the_tables_of_today() -> None:
    readme = tables.README.read_text(encoding="utf-8")
    assert readme == tables.written(readme), f"write them anew: {tables.COMMAND}"
