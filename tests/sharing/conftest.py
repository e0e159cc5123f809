"""The tiny model of the daemon's own tests."""

from __future__ import annotations

from tests.daemon.conftest import recording, tiny_model

__all__ = ["recording", "tiny_model"]
