"""The daemon's own life: it started, is stopping, has reloaded."""

from __future__ import annotations

from .base import Event


class DaemonStarted(Event, frozen=True, kw_only=True, tag="daemon.started"):
    """The model is loaded and the sockets are open."""

    state_group = "daemon"

    version: str
    pid: int
    model: str
    model_id: str
    device: str
    # "cpu (1 thread)", "cuda:0 NVIDIA ..."
    streams: list[str]


class DaemonStopping(Event, frozen=True, kw_only=True, tag="daemon.stopping"):
    """The last event of a boot that ends in good order."""

    state_group = "daemon"

    reason: str


class DaemonReloaded(Event, frozen=True, kw_only=True, tag="daemon.reloaded"):
    """Settings and profiles were read again."""

    profiles: int
    changed: list[str]
    # settings now in force that were not before
    restart_needed: list[str]
    # settings that differ in the file and need a restart
    error: str | None = None
    # why the file was refused; the old settings stay
