"""What a subscription itself has to say, between the daemon's events."""

from __future__ import annotations

import msgspec


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon can be heard; its last values follow."""

    endpoint: str


class Disconnected(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon cannot be heard, or not yet; trying goes on by itself."""

    endpoint: str
    reason: str


class Restarted(msgspec.Struct, frozen=True, kw_only=True):
    """Another start of the daemon speaks: whatever the previous one said no longer holds."""

    boot: str
    previous: str
    end_heard: bool = False
    # false: whether the previous start said more than we heard cannot be known; it is not counted as missed


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """Events were published that this subscription never received, and the daemon could not say again."""

    topic: str | None
    # null: of any topic; a subscription to everything counts them together
    count: int


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon is newer and sends a type that we do not know; said once for each type."""

    type: str


Notice = Connected | Disconnected | Restarted | Missed | Skipped
