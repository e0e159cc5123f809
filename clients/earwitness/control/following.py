"""What a daemon that follows asks of the one it follows, and what is answered."""

from __future__ import annotations

import msgspec


class FollowedPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point of the writer's history."""

    lineage: str = ""
    """which database; empty: none"""
    version: int = 0
    """counts its changes"""
    mark: str = ""
    """random, of that version: a database restored from a backup that goes on has others"""


class ProfileLetter(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `profiles.follow`."""

    content: bytes
    """signed by the writer, and sealed for the key that asked; in base64"""
