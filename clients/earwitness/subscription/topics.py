"""Which topics a subscription wants: prefixes that end where a segment ends."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

HEARTBEAT = "heartbeat"


class TopicFilter(msgspec.Struct, frozen=True):
    """`speaker.verified.desk` wants that topic and all below it, but not `speaker.verified.desk2`."""

    prefixes: tuple[str, ...]
    # none: everything

    @classmethod
    def of(cls, topics: Iterable[str]) -> TopicFilter:
        """Accept `speaker`, `speaker.` and `` (everything) alike."""
        prefixes = tuple(dict.fromkeys(topic.rstrip(".") for topic in topics))
        return cls(() if "" in prefixes else prefixes)

    @property
    def complete(self) -> bool:
        """True if no topic is left out, so that `seq` must be without holes."""
        return not self.prefixes

    def wants(self, topic: str) -> bool:
        """Decide about one topic."""
        return self.complete or any(
            topic == prefix or topic.startswith(f"{prefix}.") for prefix in self.prefixes
        )

    @property
    def on_the_wire(self) -> tuple[bytes, ...]:
        """What the socket subscribes to; always with the heartbeat, which shows that the daemon lives."""
        if self.complete:
            return (b"",)
        return tuple(prefix.encode() for prefix in dict.fromkeys((*self.prefixes, HEARTBEAT)))
