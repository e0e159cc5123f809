"""What the engine's device has to say, as events."""

from __future__ import annotations

from earwitness.events import EngineDegraded, EngineRestored, Event
from earwitnessd.engines import Embedder
from earwitnessd.engines.degrading import Change, Degradable


def changes_of(embedder: Embedder) -> list[Event]:
    """Since the last call; an engine on the CPU never has any."""
    if not isinstance(embedder, Degradable):
        return []
    return [_event(change) for change in embedder.changes()]


def lost(embedder: Embedder) -> str:
    """Why another device than that of the settings computes; empty: that one does."""
    return embedder.lost if isinstance(embedder, Degradable) else ""


def _event(change: Change) -> Event:
    if change.lost:
        return EngineDegraded(device=change.device, reason=change.lost)
    return EngineRestored(device=change.device, away_s=change.away_s)
