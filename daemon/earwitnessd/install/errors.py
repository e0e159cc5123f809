"""What keeps an installation from going on."""

from __future__ import annotations


class InstallError(Exception):
    """Says what was found, and what to do."""
