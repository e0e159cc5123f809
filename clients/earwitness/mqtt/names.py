"""Which topics there are on the broker."""

from __future__ import annotations

import hashlib
import re

import msgspec

_SAFE = re.compile(r"[A-Za-z0-9_-]+")
_CLEARED = (
    "stream/+/status",
    "stream/+/speaker",
    "stream/+/speaker/attributes",
    "stream/+/speech",
    "stream/+/level",
    "person/+/verified",
    "person/+/verified/attributes",
    "group/+/verified",
    "group/+/verified/attributes",
    "watchlist/+/hit",
    "watchlist/+/hit/attributes",
)


def slug(name: str) -> str:
    """A name as Home Assistant and MQTT accept it; different names stay different."""
    if _SAFE.fullmatch(name):
        return name
    short = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)}_{short}"


def said_of(watchlist: bool) -> str:
    """What a group's topic tells: that anyone of it is verified; of a watchlist, that there is a hit."""
    return "hit" if watchlist else "verified"


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """The topics below one prefix."""

    prefix: str = "earwitness"
    discovery: str = "homeassistant"
    # where Home Assistant looks for configurations; empty: none are made

    def __post_init__(self) -> None:
        """Refuse what MQTT would misread."""
        for option, value in (("--prefix", self.prefix), ("--discovery", self.discovery)):
            if set(value) & set("+#\0") or value.startswith(("/", "$")) or value.endswith("/"):
                raise ValueError(f"{option} {value!r}: a topic without + and #, not beginning with / or $")
        if not self.prefix:
            raise ValueError("--prefix: at least one letter")

    @property
    def node(self) -> str:
        """What Home Assistant knows this bridge by."""
        return self.prefix if self.prefix == "earwitness" else f"earwitness_{slug(self.prefix)}"

    @property
    def status(self) -> str:
        """The state `online` or `offline` of bridge and daemon together."""
        return f"{self.prefix}/status"

    def stream(self, stream: str, what: str) -> str:
        """A state of one stream."""
        return f"{self.prefix}/stream/{slug(stream)}/{what}"

    def person(self, name: str, what: str) -> str:
        """A state of one person."""
        return f"{self.prefix}/person/{slug(name)}/{what}"

    def group(self, name: str, *, watchlist: bool) -> str:
        """Whether anyone of a group is heard, or anyone on a watchlist."""
        return f"{self.prefix}/{'watchlist' if watchlist else 'group'}/{slug(name)}/{said_of(watchlist)}"

    def config(self, component: str, thing: str) -> str:
        """Where one entity is described to Home Assistant."""
        return f"{self.discovery}/{component}/{self.node}/{thing}/config"

    def is_config(self, topic: str) -> bool:
        """Whether this describes an entity."""
        return bool(self.discovery) and topic.startswith(f"{self.discovery}/")

    @property
    def leftovers(self) -> list[str]:
        """What an earlier run may have left on the broker, as subscriptions."""
        states = [f"{self.prefix}/{each}" for each in _CLEARED]
        return [*states, self.config("+", "+")] if self.discovery else states
