"""Which of many streams somebody looks at: a page, a search, or the streams alone; keys change it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .state import StreamPanel

LONGEST_SEARCH = 64


@dataclass
class Browsing:
    """One person before one terminal."""

    page: int = 0
    pages: int = 1
    # as many as were drawn last
    search: str = ""
    typing: bool = False
    # what is sought is being typed
    alone: bool = False
    # nothing but the streams

    def press(self, key: str) -> bool:
        """Take a key; whether it ends the dashboard."""
        if key == "quit" or (key in ("q", "Q") and not self.typing):
            return True
        if self.typing:
            self._type(key)
        else:
            self._command(key)
        return False

    def cut(self, panels: Sequence[StreamPanel], room: int, now: float) -> list[StreamPanel]:
        """One page of them; if there are several, the worst come first."""
        found = [panel for panel in panels if self.finds(panel, now)]
        self.pages = max(1, -(-len(found) // max(1, room)))
        self.page = min(self.page, self.pages - 1)
        if self.pages == 1:
            return sorted(found, key=lambda panel: panel.order)
        ranked = sorted(found, key=lambda panel: (panel.rank(now), panel.order))
        return ranked[self.page * room : (self.page + 1) * room]

    def finds(self, panel: StreamPanel, now: float) -> bool:
        """By the stream's name, or by who is heard there."""
        sought = self.search.casefold()
        speaker = getattr(panel.current(now), "speaker", None) or ""
        return sought in panel.name.casefold() or sought in speaker.casefold()

    def _type(self, key: str) -> None:
        if key == "escape":
            self.search, self.typing = "", False
        elif key == "enter":
            self.typing = False
        elif key == "backspace":
            self.search = self.search[:-1]
        elif len(key) == 1:
            self.search = (self.search + key)[:LONGEST_SEARCH]
        self.page = 0

    def _command(self, key: str) -> None:
        match key:
            case "n" | " " | "page_down":
                self.page = (self.page + 1) % self.pages
            case "p" | "page_up":
                self.page = (self.page - 1) % self.pages
            case "home":
                self.page = 0
            case "end":
                self.page = self.pages - 1
            case "/":
                self.typing, self.search, self.page = True, "", 0
            case "escape":
                self.search, self.page = "", 0
            case "s":
                self.alone, self.page = not self.alone, 0
            case _:
                pass
