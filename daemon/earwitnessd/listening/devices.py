"""What the engine's device has to say, as events."""

from __future__ import annotations

from functools import lru_cache

from earwitness.events import EngineDegraded, EngineRestored, Event
from earwitnessd.engines import Embedder
from earwitnessd.engines.degrading import Change, Degradable


def changes_of(embedder: Embedder) -> list[Event]:
    """Since the last call; an engine on the CPU never has any."""
    degradable = _degradable(embedder)  # type: ignore[arg-type]  # each is hashable
    return [_event(change) for change in degradable.changes()] if degradable else []


def lost(embedder: Embedder) -> str:
    """Why another device than that of the settings computes; empty: that one does."""
    degradable = _degradable(embedder)  # type: ignore[arg-type]  # each is hashable
    return degradable.lost if degradable else ""


@lru_cache(maxsize=1)
def _degradable(embedder: Embedder) -> Degradable | None:
    """Asked for each block of audio, and finding out takes longer than answering."""
    return embedder if isinstance(embedder, Degradable) else None


def _event(change: Change) -> Event:
    if change.lost:
        return EngineDegraded(device=change.device, reason=change.lost)
    return EngineRestored(device=change.device, away_s=change.away_s)
