"""The device that computes the model: lost, and back."""

from __future__ import annotations

from .base import Event
from .units import Seconds


class EngineDegraded(Event, frozen=True, kw_only=True, tag="engine.degraded"):
    """The device that was to compute the model is lost or full, or remote engines are: the CPU computes."""

    state_group = "engine"

    device: str
    """what the model runs on now"""
    reason: str
    """why it is not the one in the settings, for people"""


class EngineRestored(Event, frozen=True, kw_only=True, tag="engine.restored"):
    """The device, or the remote engines, of the settings compute the model again."""

    state_group = "engine"

    device: str
    """what the model runs on again"""
    away_s: Seconds
    """how long it did not"""
