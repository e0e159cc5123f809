"""The project's pages as their readers see them: headings, links, blocks, and the code within a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("clients", "configs", "daemon", "systemd", "tests")
SKIPPED = {"node_modules", "__pycache__"}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_LINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    name: str
    # from the repository's root

    @property
    def folder(self) -> Path:
        return (ROOT / self.name).parent

    @cached_property
    def text(self) -> str:
        return (ROOT / self.name).read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        return FENCED.sub("", self.text)

    def links(self) -> list[str]:
        return LINK.findall(IN_LINE.sub("", self.prose))

    def anchors(self) -> set[str]:
        return {anchor(heading) for heading in HEADING.findall(self.prose)}

    def blocks(self, language: str) -> list[str]:
        return [body for spoken, body in FENCED.findall(self.text) if spoken == language]

    def codes(self) -> list[str]:
        """What stands between single backticks, the comments of blocks included."""
        return IN_LINE.findall(self.text)


def anchor(heading: str) -> str:
    """What a link to this heading says after its #."""
    shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")


def pages() -> list[Page]:
    return [Page(str(file.relative_to(ROOT))) for file in sorted(_files())]


def _files() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.md"):
            if not any(part in SKIPPED or part.startswith(".") for part in file.relative_to(ROOT).parts):
                yield file


PAGES = pages()
NAMES = [page.name for page in PAGES]
