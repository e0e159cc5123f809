"""Raw interleaved PCM from a FIFO or from standard input, no faster than it was spoken."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import stat
from pathlib import Path

import numpy as np

from earwitnessd.capture.messages import LossReason
from earwitnessd.capture.source import Chunk, Health, Origin, SourceEndedError
from earwitnessd.ring import Frames
from earwitnessd.settings import sources

LARGEST_CHUNK_S = 0.25
BURST_S = 2.0
LARGEST_CREDIT_S = 10.0
# A writer that is faster than real time (`cat`) waits; one per cent of room, so that a live one never does.
PACE = 1.01
KERNEL_BUFFER_BYTES = 1 << 20
NS = 1_000_000_000
EXAMPLE = "e.g. arecord -q -t raw -f S16_LE -r 16000 -c 1 | …"


class Pipe:
    """A FIFO that nobody writes to waits; samples that stay away later are a gap in the same stream."""

    def __init__(self, settings: sources.Pipe) -> None:
        self._settings = settings
        self._frame_bytes = settings.channels * (2 if settings.format == "s16le" else 4)
        self._rest = b""  # of a frame whose other bytes are still to come
        self._position = 0
        self._stalls = 0
        self._empty_since_ns: int | None = None
        self._credit_s = BURST_S
        self._credited_ns: int | None = None

    def open(self) -> Origin:
        """Never waits for a writer."""
        settings = self._settings
        if settings.channel != "mix" and settings.channel >= settings.channels:
            raise SourceEndedError(
                f"channel {settings.channel} is asked for, the pipe has {settings.channels}, counted from 0",
                final=True,
            )
        self._fd = _open_stdin() if settings.path == "-" else _open_path(settings.path)
        self._is_fifo = settings.path != "-" and stat.S_ISFIFO(os.fstat(self._fd).st_mode)
        with contextlib.suppress(OSError, AttributeError):  # no pipe, or no Linux
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, KERNEL_BUFFER_BYTES)
        name = "standard input" if settings.path == "-" else settings.path
        return Origin(name, settings.rate, settings.channels, paced=True)

    def fileno(self) -> int | None:
        """None while the writer is ahead of time."""
        return self._fd if self._credit_s > 0.0 else None

    def due_in_s(self, now_ns: int, _wanted: int) -> float:
        """When the writer has fallen back into time."""
        self._earn(now_ns)
        return 3600.0 if self._credit_s > 0.0 else LARGEST_CHUNK_S / 4

    def _earn(self, now_ns: int) -> None:
        if self._credited_ns is not None:
            earned_s = (now_ns - self._credited_ns) / NS * PACE
            self._credit_s = min(self._credit_s + earned_s, LARGEST_CREDIT_S)
        self._credited_ns = now_ns

    def read(self, now_ns: int) -> Chunk | None:
        """What the writer has left, at most `LARGEST_CHUNK_S` of it."""
        self._earn(now_ns)
        if self._credit_s <= 0.0:
            return None
        if not select.select([self._fd], [], [], 0.0)[0]:
            self._empty_since_ns = self._empty_since_ns or now_ns
            return None
        frames = self._read_frames()
        if len(frames) == 0:
            return None
        lost = self._note_arrival(now_ns)
        chunk = Chunk(self._position, frames, lost)
        self._position += len(frames)
        self._credit_s -= len(frames) / self._settings.rate
        return chunk

    def _read_frames(self) -> Frames:
        wanted = max(1, round(LARGEST_CHUNK_S * self._settings.rate)) * self._frame_bytes
        try:
            got = os.read(self._fd, wanted - len(self._rest))
        except BlockingIOError:
            got = None
        except OSError as error:
            raise SourceEndedError(f"{self._settings.path}: {error.strerror}", final=True) from error
        if got == b"":
            raise self._end()
        data = self._rest + (got or b"")
        whole = len(data) // self._frame_bytes * self._frame_bytes
        self._rest = data[whole:]
        return decode(data[:whole], self._settings)

    def _end(self) -> SourceEndedError:
        if self._is_fifo:
            return SourceEndedError("the writer closed the FIFO", final=False, failed=False)
        if self._position == 0:
            return SourceEndedError(f"{self._settings.path}: not a single sample came; {EXAMPLE}", final=True)
        return SourceEndedError("end of input", final=True, failed=False)

    def _note_arrival(self, now_ns: int) -> LossReason | None:
        # The writer keeps the pipe open, so closing it would kill the writer (SIGPIPE): the time it
        # kept silent becomes a gap.
        silent_s = self._silent_s(now_ns)
        self._empty_since_ns = None
        if silent_s < self._settings.stall_after_s:
            return None
        self._stalls += 1
        self._position += round(silent_s * self._settings.rate)
        return "clock"

    def health(self, now_ns: int) -> Health:
        """How long the writer has sent nothing."""
        return Health(stalls=self._stalls, clock_lag_s=self._silent_s(now_ns))

    def _silent_s(self, now_ns: int) -> float:
        if self._empty_since_ns is None or self._position == 0:
            return 0.0
        return (now_ns - self._empty_since_ns) / NS


def decode(data: bytes, settings: sources.Pipe) -> Frames:
    """Whole frames of PCM to (n, channels), full scale 1.0."""
    if settings.format == "s16le":
        samples = np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(1 << 15)
    elif settings.format == "s32le":
        samples = np.frombuffer(data, dtype="<i4").astype(np.float32) / np.float32(1 << 31)
    else:
        samples = np.frombuffer(data, dtype="<f4").astype(np.float32)
    return samples.reshape(-1, settings.channels)


def _open_stdin() -> int:
    try:
        if os.isatty(0):
            raise SourceEndedError(f"standard input is a terminal, not PCM: {EXAMPLE}", final=True)
        os.fstat(0)
    except OSError as error:
        raise SourceEndedError(f"standard input is closed: {EXAMPLE}", final=True) from error
    return 0


def _open_path(path: str) -> int:
    if Path(path).is_dir():
        raise SourceEndedError(f"{path}: a directory; expected a FIFO or a file of raw PCM", final=True)
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        hint = f": make it with `mkfifo {path}`" if isinstance(error, FileNotFoundError) else ""
        raise SourceEndedError(f"{path}: {error.strerror}{hint}", final=False) from error
