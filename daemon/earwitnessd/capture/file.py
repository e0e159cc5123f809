"""A recording, replayed in real time or as fast as it is taken."""

from __future__ import annotations

import time
from pathlib import Path

import soundfile

from earwitnessd.capture.source import Chunk, Health, Origin, SourceEndedError
from earwitnessd.ring import Frames
from earwitnessd.settings import sources

PACED_BLOCK_S = 0.032
FAST_BLOCK_S = 0.25
LARGEST_BLOCKS = 8  # at a time, in real time
KEPT_S = 10.0  # a replay in real time that is this late skips, like a microphone whose ring is full
NS = 1_000_000_000


class _FrontToBack(soundfile.SoundFile):  # type: ignore[misc]  # untyped
    """After each read soundfile seeks to where it is already, and an MP3 decoder then plays a glitch."""

    def seekable(self) -> bool:
        """So that it doesn't."""
        return False


class FileReplay:
    """Real time means that a block comes when its last sample has been spoken."""

    def __init__(self, settings: sources.FileReplay) -> None:
        self._settings = settings
        self._paced = settings.pace == "realtime"
        self._position: int = 0
        self._started_ns = 0

    def open(self) -> Origin:
        """Any format that libsndfile reads."""
        self._file = self._open_file()
        rate, channels, count = self._file.samplerate, self._file.channels, self._file.frames
        path, channel = self._settings.path, self._settings.channel
        if count == 0:
            raise SourceEndedError(f"{path}: a {self._file.format} file without a single sample", final=True)
        if channel != "mix" and channel >= channels:
            raise SourceEndedError(
                f"{path}: channel {channel} is asked for, it has {channels}, counted from 0", final=True
            )
        self._rate: int = rate
        self._block: int = max(1, round((PACED_BLOCK_S if self._paced else FAST_BLOCK_S) * rate))
        self._started_ns = time.monotonic_ns()
        duration_s = None if self._settings.loop else count / rate
        return Origin(Path(path).name, rate, channels, self._paced, duration_s)

    def _open_file(self) -> soundfile.SoundFile:
        path = Path(self._settings.path)
        try:
            found = path.stat()
        except OSError as error:
            raise SourceEndedError(f"{path}: {error.strerror}", final=True) from error
        if not path.is_file():
            raise SourceEndedError(f"{path}: not a file; for a FIFO use `source: pipe`", final=True)
        if found.st_size == 0:
            raise SourceEndedError(f"{path}: empty", final=True)
        try:
            return _FrontToBack(path)
        except (soundfile.LibsndfileError, TypeError, OSError) as error:
            raise SourceEndedError(
                f"{path}: not audio that can be read ({error}); expected wav, flac, ogg, mp3 or another "
                "format of libsndfile; for raw PCM use `source: pipe`",
                final=True,
            ) from error

    def fileno(self) -> int | None:
        """Only time tells."""
        return None

    def due_in_s(self, now_ns: int, wanted: int) -> float:
        """When the last sample of as many whole blocks has been spoken: a device gives nothing less."""
        if not self._paced:
            return 0.0
        blocks = -(-wanted // self._block)
        return max(
            0.0, (self._position + blocks * self._block) / self._rate - (now_ns - self._started_ns) / NS
        )

    def read(self, now_ns: int) -> Chunk | None:
        """The next block, if its time has come; in real time all blocks whose time has come."""
        blocks = int(self._late_frames(now_ns)) // self._block if self._paced else 1
        if blocks < 1:
            return None
        lost = self._skip(now_ns)
        frames = self._next_frames(1 if lost else min(blocks, LARGEST_BLOCKS))
        chunk = Chunk(self._position, frames, "overrun" if lost else None)
        self._position += len(frames)
        return chunk

    def _skip(self, now_ns: int) -> bool:
        if not self._paced or self._lateness_s(now_ns) < KEPT_S:
            return False
        while self._lateness_s(now_ns) > PACED_BLOCK_S:
            self._position += len(self._next_frames(1))
        return True

    def _late_frames(self, now_ns: int) -> float:
        """Spoken, and not yet read."""
        return (now_ns - self._started_ns) * self._rate / NS - self._position

    def _lateness_s(self, now_ns: int) -> float:
        return (self._late_frames(now_ns) - self._block) / self._rate

    def _next_frames(self, blocks: int) -> Frames:
        count = blocks * self._block
        frames = self._read(count)
        if len(frames) == 0 and self._settings.loop:
            self._file.close()
            self._file = self._open_file()
            frames = self._read(count)
        if len(frames) == 0:
            raise SourceEndedError("end of file", final=True, failed=self._position == 0)
        return frames

    def _read(self, count: int) -> Frames:
        try:
            frames: Frames = self._file.read(count, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise SourceEndedError(
                f"{self._settings.path}: damaged after {self._position / self._rate:.1f} s ({error})",
                final=True,
            ) from error
        return frames

    def health(self, now_ns: int) -> Health:
        """How far the replay is behind its clock."""
        return Health(clock_lag_s=max(0.0, self._lateness_s(now_ns)) if self._paced else 0.0)
