"""The messages of a capture process, without their samples: whoever only passes them on needs no numpy."""

from __future__ import annotations

from typing import Literal

import msgspec

RATE = 16_000  # Hz of everything past the capture process

LossReason = Literal["overflow", "overrun", "clock", "link"]
# overflow: PortAudio said so; overrun: our own capture ring was full; clock: fewer samples than time passed;
# link: a satellite could not keep more while it was cut off
STOPPED = "stopped"  # the reason of a process that was told to end: who told it knows a better one
Encoding = Literal["f32", "s16"]
# of samples, little-endian: full scale is 1.0, or 32768


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", array_like=True):
    """What every message has."""

    stream: str
    stream_id: str
    # one opening of a device; a reopened device gets a new one
    monotonic_ns: int
    # CLOCK_MONOTONIC of this machine when the message was made


class Opened(Message, frozen=True, kw_only=True, tag="opened", array_like=True):
    """The first samples have arrived."""

    description: str
    # the device's or the file's name
    native_rate: int
    native_channels: int
    paced: bool
    # True: real time, the source does not wait for us; False: as fast as we take it
    duration_s: float | None = None
    source_id: str = ""
    # of a satellite: its own name for this opening of its source; empty: the source is of this machine
    source_position: int = 0
    # by the satellite's count, of the first sample


class Audio(Message, frozen=True, kw_only=True, tag="audio", array_like=True):
    """A block of 16 kHz mono samples follows as the next frame."""

    position: int
    # of the first sample, counted from the stream's opening; lost samples count too
    unusable: int = 0
    # of the samples that the device delivered for this block: silence was put in their place
    encoding: Encoding = "f32"


class Silent(Message, frozen=True, kw_only=True, tag="silent", array_like=True):
    """A block in which nobody spoke, and which a satellite therefore did not send."""

    position: int
    samples: int
    level_dbfs: float
    # how loud it was all the same


class Lost(Message, frozen=True, kw_only=True, tag="lost", array_like=True):
    """Samples that never came: the next block's position has jumped by as many."""

    position: int
    samples: int
    reason: LossReason


class Alive(Message, frozen=True, kw_only=True, tag="alive", array_like=True):
    """Said every half second, audio or not, with the counters of this opening."""

    overflows: int
    # times PortAudio said that it had to drop samples
    stalls: int
    # times the samples stayed away long enough to notice, and came back
    zero_run_s: float
    # how long the device has delivered nothing but exact zeros
    clock_lag_ms: float
    # how far the sample count is behind the monotonic clock
    unusable_samples: int = 0
    # NaN, infinite or absurdly large: silence was sent instead


class Ended(Message, frozen=True, kw_only=True, tag="ended", array_like=True):
    """No more audio will come under this stream_id."""

    reason: str
    # for people: "end of file", "the device stopped delivering (2.0 s without a sample)", ...
    final: bool
    # True: the recording is over, do not reopen
    position: int


AnyMessage = Opened | Audio | Silent | Lost | Alive | Ended

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: AnyMessage) -> bytes:
    """The first frame."""
    return _encoder.encode(message)


def decode(frame: bytes) -> AnyMessage:
    """Undo `encode`; msgspec.DecodeError for what it did not make."""
    message: AnyMessage = _decoder.decode(frame)
    return message
