"""What of new settings can be put into force without a restart: pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from earwitnessd.settings.load import differences
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import AnySource, Network

LIVE_SETTINGS = ("decision", "streams")


@dataclass(frozen=True, slots=True)
class Reloading:
    """The way from the settings in force to new ones."""

    settings: Settings
    # in force from now on
    changed: tuple[str, ...]
    restart_needed: tuple[str, ...]

    @classmethod
    def plan(cls, old: Settings, new: Settings) -> Reloading:
        """Take over what is live, name the rest."""
        keys = differences(old, new)
        streams = _possible_streams(old, new)
        possible = {"streams": streams}
        waiting = {f"streams.{name}" for name, source in new.streams.items() if streams.get(name) != source}
        changed = tuple(key for key in keys if key.split(".")[0] in LIVE_SETTINGS and key not in waiting)
        live = {key: possible.get(key, getattr(new, key)) for key in LIVE_SETTINGS}
        restart_needed = tuple(key for key in keys if key not in changed)
        return cls(msgspec.structs.replace(old, **live), changed, restart_needed)

    def __str__(self) -> str:
        """For the log."""
        restart = f"; restart needed for {', '.join(self.restart_needed)}" if self.restart_needed else ""
        return f"{', '.join(self.changed) or 'no setting changed'}{restart}"


def _possible_streams(old: Settings, new: Settings) -> dict[str, AnySource]:
    """Without those for whose satellites no socket is open yet: what had their name goes on."""
    if old.sockets.satellites:
        return new.streams
    return {
        name: here
        for name, source in new.streams.items()
        if (here := old.streams.get(name) if isinstance(source, Network) else source) is not None
    }
