"""What an engine says when it cannot compute."""

from __future__ import annotations


class EmbedError(Exception):
    """An engine that cannot be opened or cannot compute; the message says what to do."""
