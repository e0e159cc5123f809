"""The daemon's own life: it started, is stopping, has reloaded."""

from __future__ import annotations

from .base import Event


class DaemonStarted(Event, frozen=True, kw_only=True, tag="daemon.started"):
    """The model is loaded and the sockets are open."""

    state_group = "daemon"

    version: str
    """of earwitnessd"""
    pid: int
    """of its main process"""
    model: str
    """as in the settings"""
    model_id: str
    """says which weights; embeddings of one are never compared with another's"""
    device: str
    """what the model runs on"""
    streams: list[str]
    """names of all streams in the settings"""


class DaemonStopping(Event, frozen=True, kw_only=True, tag="daemon.stopping"):
    """The last event of a boot that ends in good order."""

    state_group = "daemon"

    reason: str
    """why, for people"""


class DaemonReloaded(Event, frozen=True, kw_only=True, tag="daemon.reloaded"):
    """Settings and profiles were read again."""

    profiles: int
    """people enrolled"""
    changed: list[str]
    """settings now in force that were not before"""
    restart_needed: list[str]
    """settings that differ in the file and need a restart"""
    error: str | None = None
    """why the file was refused and the old settings stay; null: it was not"""
