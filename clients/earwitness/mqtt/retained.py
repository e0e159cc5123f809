"""What to publish so that the broker holds what it should: pure."""

from __future__ import annotations

from .names import Names
from .states import OFFLINE, ONLINE

ORIGIN = b'"origin":{"name":"earwitness"'  # in every configuration of ours


class Retained:
    """Remembers what was sent, and what an earlier run left behind."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._sent: dict[str, str] = {}
        self._leftovers: set[str] = set()

    def on_connected(self) -> None:
        """A broker that we have just reached may have forgotten everything."""
        self._leftovers |= set(self._sent)
        self._sent.clear()

    def on_leftover(self, topic: str, payload: bytes) -> None:
        """The broker held this before we came."""
        if payload and (not self._names.is_config(topic) or ORIGIN in payload):
            self._leftovers.add(topic)

    def update(self, wanted: dict[str, str], *, complete: bool) -> list[tuple[str, str]]:
        """The messages that are missing, in order; an empty one makes the broker forget a topic.

        Unless everything is known, entities of an earlier run are left alone.
        """
        self._leftovers -= wanted.keys()
        surplus = {topic for topic in self._leftovers if complete or not self._names.is_config(topic)}
        self._leftovers -= surplus
        surplus |= self._sent.keys() - wanted.keys()
        changed = {topic: told for topic, told in wanted.items() if self._sent.get(topic) != told}
        self._sent = dict(wanted)
        messages = [*((topic, "") for topic in surplus), *changed.items()]
        return sorted(messages, key=self._rank)

    def _rank(self, message: tuple[str, str]) -> tuple[int, str]:
        """First that nothing holds any more, last that everything holds again."""
        topic, payload = message
        if payload == OFFLINE:
            return 0, topic
        if self._names.is_config(topic):
            return (1 if payload else 2), topic
        if topic.endswith("/attributes"):
            return 3, topic  # whoever reacts to the state finds them there
        return (5 if payload == ONLINE else 4), topic
