"""Why there is no daemon, or no longer."""

from __future__ import annotations


class StartError(Exception):
    """The daemon cannot start: one line that says why and what to do."""


class EngineFailedError(Exception):
    """The engine came to an end while the daemon ran."""
