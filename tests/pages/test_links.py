"""Whoever follows a link of a page arrives."""

from __future__ import annotations

from pathlib import Path

import pytest

from .page import NAMES, PAGES, ROOT, Page, anchor

OUTSIDE = ("https://", "http://", "mailto:")


def target(page: Page, link: str) -> tuple[Path, str]:
    path, _, heading = link.partition("#")
    return ((page.folder / path).resolve() if path else ROOT / page.name), heading


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_what_a_page_links_to_is_there(page: Page) -> None:
    within = [link for link in page.links() if not link.startswith(OUTSIDE)]
    missing = [link for link in within if not target(page, link)[0].exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_link_to_a_heading_names_one_that_is_there(page: Page) -> None:
    missing = [
        link
        for link in page.links()
        if not link.startswith(OUTSIDE)
        for file, heading in [target(page, link)]
        if heading and heading not in Page(str(file.relative_to(ROOT))).anchors()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_stay_within_the_repository(page: Page) -> None:
    within = [link for link in page.links() if not link.startswith(OUTSIDE)]
    assert all(target(page, link)[0].is_relative_to(ROOT) for link in within)


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, coming = set[str](), ["README.md"]
    while coming:
        name = coming.pop()
        if name in reached or not name.endswith(".md"):
            continue
        reached.add(name)
        page = Page(name)
        within = [link for link in page.links() if not link.startswith(OUTSIDE)]
        coming += [str(target(page, link)[0].relative_to(ROOT)) for link in within]
    assert set(NAMES) <= reached


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("What you can rely on", "what-you-can-rely-on"),
        ("Several daemons, one set of people", "several-daemons-one-set-of-people"),
        ("`earwitnessd plan`: so many streams", "earwitnessd-plan-so-many-streams"),
        ("[A page](page.md) of it", "a-page-of-it"),
    ],
)
def test_an_anchor_is_the_heading_in_small_letters_with_dashes(heading: str, expected: str) -> None:
    assert anchor(heading) == expected
