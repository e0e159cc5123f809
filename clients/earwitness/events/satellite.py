"""A microphone on another machine: how its link is, and that it was cut off."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .base import Event
from .units import Milliseconds, Samples, Seconds

PartsPerMillion = Annotated[float, msgspec.Meta(extra_json_schema={"unit": "ppm"})]
LinkCondition = Literal["waiting", "up", "down", "cut_off"]


class LinkState(msgspec.Struct, frozen=True, kw_only=True):
    """The link to one satellite. Counters run since the daemon's start."""

    state: LinkCondition
    """`waiting`: it has never come; `down`: it is expected back; `cut_off`: it may come again later"""
    key: str
    """the name of its public key"""
    address: str
    """where it is or was last; empty: it has never come"""
    machine: str = ""
    """what it calls itself"""
    version: str = ""
    """of earwitness there"""
    round_trip_ms: Milliseconds | None = None
    """of the last question and answer"""
    clock_offset_ms: Milliseconds | None = None
    """its wall clock less ours; its audio is dated by ours all the same"""
    drift_ppm: PartsPerMillion | None = None
    """so much faster runs its clock; null: not known yet"""
    waiting_s: Seconds = 0.0
    """audio that it still has to send"""
    links: int = 0
    """times it came"""
    lost_samples: Samples = 0
    """it could not keep while it was cut off; each is in `lost_samples` of the stream, too"""
    refused: int = 0
    """messages that made no sense or came too fast"""
    cuts: int = 0
    """times it was cut off for that"""


class SatelliteCut(Event, frozen=True, kw_only=True, tag="satellite.cut"):
    """A satellite was cut off, because what it sent cannot be true or was too much."""

    stream: str
    """its name in the settings"""
    key: str
    """the name of its public key"""
    address: str
    """where it is"""
    reason: str
    """what it did, for people"""
    refused_s: Seconds
    """so long it is not let in again"""
