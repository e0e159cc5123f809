"""Cuts the audio around verdicts out of the rings, when all of it has been heard."""

from __future__ import annotations

from earwitness.events import StreamEvent
from earwitnessd.evidence.clip import Clip, News, Wanted
from earwitnessd.hearing import Hearing
from earwitnessd.settings.root import Evidence


class Remembering:
    """Owned by the engine thread."""

    def __init__(self, settings: Evidence) -> None:
        self._news = News(settings)
        self._wanted: dict[str, list[Wanted]] = {}
        # by stream

    def note(self, event: StreamEvent) -> None:
        """If this is a verdict that evidence is kept of, its audio will be wanted."""
        if wanted := self._news.wanted(event):
            self._wanted.setdefault(event.stream, []).append(wanted)

    def cut(self, hearing: Hearing, *, over: bool = False) -> list[Clip]:
        """What is complete, or will never be more because the stream is over."""
        waiting = self._wanted.pop(hearing.stream, [])
        waiting = [each for each in waiting if each.verdict.stream_id == hearing.stream_id]
        ripe = [each for each in waiting if over or hearing.position >= each.stop]
        if later := [each for each in waiting if each not in ripe]:
            self._wanted[hearing.stream] = later
        return [Clip(each.verdict, *hearing.recall(each.start, each.stop)) for each in ripe]
