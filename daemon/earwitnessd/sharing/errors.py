"""What can go wrong between a daemon that shares its profiles and one that follows."""

from __future__ import annotations


class SharingError(Exception):
    """A key or a letter cannot be used: says which, why and what to do."""
