"""A stream of audio: opened, lost, or with a hole in it."""

from __future__ import annotations

from .base import StreamEvent


class StreamOpened(StreamEvent, frozen=True, kw_only=True, tag="stream.opened"):
    """The first samples of a newly opened source have arrived."""

    state_group = "stream"

    device: str
    native_rate: int
    # Hz
    native_channels: int
    paced: bool
    # true: real time; false: a recording, as fast as the machine can


class StreamLost(StreamEvent, frozen=True, kw_only=True, tag="stream.lost"):
    """No more audio comes under this stream_id."""

    state_group = "stream"

    reason: str
    final: bool
    # true: over for good (end of a recording, paused); false: it is being reopened


class StreamGap(StreamEvent, frozen=True, kw_only=True, tag="stream.gap"):
    """Samples from `start` to `stop` were never heard."""

    samples: int
    reason: str
    # "overflow", "overrun", "clock"
