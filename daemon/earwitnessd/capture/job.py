"""What a capture process is told to do, and the exit statuses by which its parent learns how it ended."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from earwitnessd.capture.cadence import Cadence
from earwitnessd.capture.words import Encoding
from earwitnessd.settings.sources import LocalSource


class Manner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How audio is handed over: whole and exact to an engine beside us, small to one that is far."""

    encoding: Encoding = "f32"
    speech_only: bool = False
    # silence is told by its length


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one argument of `python -m earwitnessd.capture`, as JSON."""

    stream: str
    stream_id: str
    audio: str
    # path of the socket at which the engine takes it
    source: LocalSource
    parent_pid: int
    # the process ends when this one is no longer its parent
    cadence: Cadence = Cadence()
    # of what it says
    manner: Manner = Manner()
    pulse_fd: int | None = None
    # an inherited pipe that takes a byte once a second; its owner kills a process that falls silent
    speech_fd: int | None = None
    # an inherited pipe that gives a byte when somebody begins to speak, and when they stop


class Pulse:
    """The bytes that go through `Job.pulse_fd`: alive, and what for."""

    WAITING = b"w"
    # the source is open, no sample has come yet
    LISTENING = b"l"
    ENDING = b"e"
    # handing over the last blocks
    REASON = b"r"
    # followed by why it ends, for people, and a line feed


class Speech:
    """The bytes that come through `Job.speech_fd`."""

    STARTED = b"s"
    STOPPED = b"p"


class Exit(IntEnum):
    """Whether to start another process follows from the status of the last."""

    FINISHED = 0
    # the recording is over
    USAGE = 2
    UNUSABLE = 3
    # the source can never work as it is set up: a file that is not audio, a missing library
    LOST = 4
    # the source went away or is not there yet: try again
    STOPPED = 5
    # SIGTERM
    ORPHANED = 6


FINAL_EXITS = frozenset({Exit.FINISHED, Exit.USAGE, Exit.UNUSABLE})
