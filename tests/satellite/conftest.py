"""As for a daemon: a tiny model, and a recording with speech."""

from __future__ import annotations

from tests.daemon.conftest import recording, tiny_model

__all__ = ["recording", "tiny_model"]
