"""Where a stream's audio comes from: a microphone, a file replayed, or raw PCM from a pipe."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=3600.0)]
Channel = Literal["mix"] | Annotated[int, msgspec.Meta(ge=0, lt=64)]


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="source"):
    """What every source has."""

    channel: Channel = "mix"
    # "mix" averages all channels; a number picks one, counted from 0
    label: str = ""
    # what kind of channel this is ("headset", "telephone", ...); templates remember it
    paused: bool = False
    # true: stay silent until `earwitness resume`


class Microphone(Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="microphone"):
    """A capture device, opened by PortAudio at its native rate."""

    device: int | str = "default"
    # a part of the device's name, its index, or "default"
    stall_after_s: Seconds = 2.0
    # no sample for this long: the device is dead and is opened anew
    latency_s: Annotated[float, msgspec.Meta(ge=0.02, le=2.0)] = 0.5
    # how much PortAudio may buffer; short values overrun when the machine is busy


class FileReplay(Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="file"):
    """A recording, heard as if it were a microphone."""

    path: str
    pace: Literal["realtime", "fast"] = "realtime"
    loop: bool = False


class Pipe(Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="pipe"):
    """Raw interleaved PCM from a FIFO or from standard input."""

    path: str = "-"
    # "-" is standard input
    rate: Annotated[int, msgspec.Meta(ge=4000, le=384000)] = 16000
    # Hz
    channels: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    format: Literal["s16le", "s32le", "f32le"] = "s16le"
    stall_after_s: Seconds = 2.0
    # a writer that sends nothing for longer leaves a gap as long as it kept silent


class Network(Source, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="network"):
    """A microphone on another machine, where `earwitness-mic` runs; see `sockets.satellites`."""

    key: str = ""
    # name of its public key in sockets.curve.satellites (NAME.key); empty: the stream's own name


LocalSource = Microphone | FileReplay | Pipe
# what a capture process beside us can open
AnySource = LocalSource | Network
