"""What the pages show of events is what the types say."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import tables

PAGES = tables.pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(tables.ROOT)))
def test_a_page_shows_the_events_of_today(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == PAGES[page], f"write them anew: {tables.COMMAND}"
