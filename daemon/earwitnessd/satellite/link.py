"""What a satellite and a daemon say to each other: the first frame of each message on their socket."""

from __future__ import annotations

import msgspec

PROTOCOL = 1
SILENT_S = 3.0
# either side takes the link to be gone when it has heard nothing for so long
WINDOW = 32
# blocks on their way: the satellite sends no more until the daemon has taken some
CATCH_UP = 4
# times as fast as it was spoken: so a satellite sends what it kept while it was cut off


class Word(msgspec.Struct, frozen=True, kw_only=True, tag_field="word", array_like=True):
    """What every one of them is."""


# From the satellite


class Hello(Word, frozen=True, kw_only=True, tag="hello", array_like=True):
    """The first on each connection."""

    protocol: int
    run: str
    # one start of the satellite; its numbers and stream_ids hold within it
    machine: str
    version: str
    trying: bool = False
    # true: only to see whether it would be heard


class Block(Word, frozen=True, kw_only=True, tag="block", array_like=True):
    """The frames of a capture process' message follow."""

    number: int
    # counts blocks within one run, from 1; 0: it is not missed if it gets lost


class Answer(Word, frozen=True, kw_only=True, tag="answer", array_like=True):
    """To `Ask`; times by the satellite's monotonic clock."""

    asked_ns: int
    # as it was asked
    heard_ns: int
    answered_ns: int
    wall_ns: int
    # its wall clock when it answered
    waiting_s: float
    # audio that it still has to send
    state: str
    # of its capture process
    reason: str
    # why it is not listening


# From the daemon


class Welcome(Word, frozen=True, kw_only=True, tag="welcome", array_like=True):
    """The satellite is heard, as this stream."""

    boot: str
    stream: str
    taken: int
    # the last block of this run that came; -1: none is known, say what was opened again


class Ask(Word, frozen=True, kw_only=True, tag="ask", array_like=True):
    """Tells that the daemon lives; `asked_ns` comes back."""

    asked_ns: int
    listening: bool
    # false: the stream is paused, let go of the device


class Taken(Word, frozen=True, kw_only=True, tag="taken", array_like=True):
    """All blocks up to this number have come."""

    number: int


class Refused(Word, frozen=True, kw_only=True, tag="refused", array_like=True):
    """The satellite is not heard."""

    reason: str
    again_in_s: float


FromSatellite = Hello | Block | Answer
FromDaemon = Welcome | Ask | Taken | Refused

_encoder = msgspec.msgpack.Encoder()
_from_satellite = msgspec.msgpack.Decoder(FromSatellite)
_from_daemon = msgspec.msgpack.Decoder(FromDaemon)


def encode(word: Word) -> bytes:
    """The frame."""
    return _encoder.encode(word)


def from_satellite(frame: bytes) -> FromSatellite:
    """At the daemon; msgspec.DecodeError for what is none."""
    word: FromSatellite = _from_satellite.decode(frame)
    return word


def from_daemon(frame: bytes) -> FromDaemon:
    """At the satellite; msgspec.DecodeError for what is none."""
    word: FromDaemon = _from_daemon.decode(frame)
    return word
