"""What keeps a measurement from being made."""

from __future__ import annotations


class BenchError(Exception):
    """It cannot be measured: says why and what to do."""
