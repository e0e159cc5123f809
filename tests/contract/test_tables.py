"""The tables of events in the page of the wire contract are what the types say."""

from __future__ import annotations

from . import tables


def test_the_page_has_the_tables_of_today() -> None:
    page = tables.PAGE.read_text(encoding="utf-8")
    assert page == tables.written(page), f"write them anew: {tables.COMMAND}"
