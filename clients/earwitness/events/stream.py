"""A stream of audio: opened, lost, or with a hole in it."""

from __future__ import annotations

from .base import StreamEvent
from .units import Hertz, Samples


class StreamOpened(StreamEvent, frozen=True, kw_only=True, tag="stream.opened"):
    """The first samples of a newly opened source have arrived."""

    state_group = "stream"

    device: str
    """what it is, for people"""
    native_rate: Hertz
    """at which the source delivers"""
    native_channels: int
    """which the source delivers; they are mixed to one"""
    paced: bool
    """true: real time; false: a recording, as fast as the machine can"""
    source_id: str = ""
    """of a satellite: its own name for this opening of its source, which outlives cuts of the link and
    restarts of the daemon; empty: the source is of the daemon's machine"""
    source_position: Samples = 0
    """by the satellite's count, where this opening begins: what lies between two openings of one
    `source_id`, the daemon's restart or not, was never heard, and what lies in both was heard twice"""


class StreamLost(StreamEvent, frozen=True, kw_only=True, tag="stream.lost"):
    """No more audio comes under this `stream_id`."""

    state_group = "stream"

    reason: str
    """why, for people"""
    final: bool
    """true: over for good (end of a recording, paused); false: it is being reopened"""


class StreamGap(StreamEvent, frozen=True, kw_only=True, tag="stream.gap"):
    """The audio from `start` to `stop` was never heard."""

    samples: Samples
    """how many"""
    reason: str
    """`overflow`, `overrun`, `clock`, `link`, `unannounced`"""
