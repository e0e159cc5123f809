"""The enrolled people are another daemon's: how that stands, and when something of them has come."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Event
from .units import Seconds

FollowingCondition = Literal["connecting", "follows", "silent", "refuses", "distrusts"]


class FollowingState(msgspec.Struct, frozen=True, kw_only=True):
    """In the heartbeat of a daemon that follows another's profiles."""

    writer: str
    """which daemon, by the name of its key"""
    endpoint: str
    """where it is asked"""
    state: FollowingCondition
    """`silent`: it is not heard any more; `refuses`: what it says is not taken. The people stay in both.
    `distrusts`: so for longer than `follow.distrust_after_days`; nobody is compared with any more"""
    reason: str = ""
    """why it is not `follows`, for people"""
    version: int = 0
    """of the writer's database, in force here"""
    heard_s: Seconds | None = None
    """since the writer was last heard; null: not since this daemon's start"""
    taken: int = 0
    """times that changes were put into force, this boot"""
    refused: int = 0
    """letters of the writer that were not taken, this boot"""


class FollowerState(msgspec.Struct, frozen=True, kw_only=True):
    """In the heartbeat of a daemon whose profiles others follow: one of those, since this daemon's start."""

    follower: str
    """which daemon, by the name of its key"""
    version: int
    """of this daemon's database, in force there when it last asked; 0: nothing yet"""
    heard_s: Seconds
    """since it last asked: it does so every three seconds"""


class ProfilesFollowed(Event, frozen=True, kw_only=True, tag="profiles.followed"):
    """What the writer changed is in force here; where they are few, each has an event of their own too."""

    writer: str
    """which daemon, by the name of its key"""
    version: int
    """of its database"""
    added: int
    """people who are new here"""
    changed: int
    """people with other sessions, another name, or other terms"""
    removed: int
    """people who are no longer enrolled, and deleted here too"""
    people: int
    """who are enrolled now"""
