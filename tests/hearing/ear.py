"""A hearing with a mouth that speaks into it."""

from __future__ import annotations

from earwitness.events import Event
from earwitnessd.capture.messages import Samples
from earwitnessd.hearing import HeardWindow, Hearing
from earwitnessd.settings.root import Settings

from ..voices import ENERGY, Mouth

BLOCK = 1600


class Ear:
    """A hearing and the mouth that speaks into it."""

    def __init__(self, settings: Settings = ENERGY, *, paced: bool = True) -> None:
        self.hearing = Hearing("desk", settings)
        self.mouth = Mouth(paced=paced)
        self.windows: list[HeardWindow] = []

    def open(self, stream_id: str = "desk-1", *, paced: bool = True) -> list[Event]:
        self.mouth = Mouth(stream_id=stream_id, paced=paced)
        return self.hearing.on_message(self.mouth.opened(), None)

    def say(self, samples: Samples, *, take: bool = True) -> list[Event]:
        """Block by block; windows are taken as they fall due."""
        events: list[Event] = []
        for start in range(0, len(samples), BLOCK):
            block = samples[start : start + BLOCK]
            events += self.hearing.on_message(self.mouth.audio(block), block)
            if take:
                self.windows += self.hearing.take_due(100)
        return events

    def lose(self, samples: int) -> list[Event]:
        return self.hearing.on_message(self.mouth.lost(samples), None)

    def gone(self, stream_id: str = "desk-1", reason: str = "unplugged") -> list[Event]:
        return self.hearing.on_gone(stream_id, reason, final=False)


def only(events: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]
