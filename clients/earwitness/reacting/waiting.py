"""Changes that wait for the command to be free: the latest of each stream or group, the others counted."""

from __future__ import annotations

import msgspec

from .settling import Change


class Waiting:
    """First come, first served among streams and groups."""

    def __init__(self) -> None:
        self._changes: dict[str, Change] = {}

    def __bool__(self) -> bool:
        return bool(self._changes)

    def put(self, change: Change) -> None:
        """Take the place of an earlier change of the same."""
        earlier = self._changes.get(change.verdict.about)
        if earlier is not None:
            passed_over = change.passed_over + earlier.passed_over + 1
            change = msgspec.structs.replace(change, before=earlier.before, passed_over=passed_over)
        self._changes[change.verdict.about] = change

    def take(self) -> Change:
        """The one that has waited longest."""
        return self._changes.pop(next(iter(self._changes)))
