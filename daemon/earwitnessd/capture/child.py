"""One run of the capture process as its parent sees it: descriptors, pulse, complaints, exit."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

import msgspec

from earwitnessd.capture.job import Exit, Job, Pulse, Speech
from earwitnessd.capture.line_limiter import LineLimiter
from earwitnessd.settings.sources import Pipe

READ_BYTES = 1 << 16
FLOOD_BYTES = 1 << 18  # in one window of the limiter; then stderr is read only once a tick

log = logging.getLogger(__name__)


def command_for(job: Job) -> list[str]:
    """The program, without the working directory on its import path."""
    return [sys.executable, "-P", "-m", "earwitnessd.capture", msgspec.json.encode(job).decode()]


class Child:
    """Owned by the daemon's main thread; nothing in here waits."""

    def __init__(self, job: Job, environment: Mapping[str, str] | None, limiter: LineLimiter) -> None:
        self.stream_id = job.stream_id
        self.pulse = b""
        # `Pulse.WAITING` or `LISTENING`, empty until the first
        self.reason = ""
        # its own last words
        self._limiter = limiter
        self._stream = job.stream
        self._words = b""
        self._stderr_bytes = 0
        self._pulse_fd, its_pulse_fd = os.pipe()
        its_speech_fd, self._speech_fd = os.pipe()
        told = msgspec.structs.replace(job, pulse_fd=its_pulse_fd, speech_fd=its_speech_fd)
        try:
            self._process = self._spawn(told, environment, (its_pulse_fd, its_speech_fd))
        except OSError:
            os.close(self._pulse_fd)
            os.close(self._speech_fd)
            raise
        finally:
            os.close(its_pulse_fd)
            os.close(its_speech_fd)
        assert self._process.stderr is not None
        self._stderr_fd = self._process.stderr.fileno()
        self._exit_fd = _pidfd(self._process.pid)
        for fd in (self._pulse_fd, self._stderr_fd, self._speech_fd):
            os.set_blocking(fd, False)

    @staticmethod
    def _spawn(
        job: Job, environment: Mapping[str, str] | None, inherited: tuple[int, ...]
    ) -> subprocess.Popen[bytes]:
        from_stdin = isinstance(job.source, Pipe) and job.source.path == "-"
        return subprocess.Popen(
            command_for(job),
            stdin=None if from_stdin else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
            pass_fds=inherited,
            # One thread is enough for a mean over channels, and idle ones cost memory.
            env={**(os.environ if environment is None else environment), "OPENBLAS_NUM_THREADS": "1"},
            # A terminal's Ctrl-C is for the daemon; but a background group may not read the terminal's pipe.
            start_new_session=not from_stdin,
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def tells_its_end(self) -> bool:
        """Whether its exit makes one of `filenos` readable."""
        return self._exit_fd >= 0

    def filenos(self) -> list[int]:
        """To poll for reading. That one that listens still lives is no news: it is read now and then."""
        news = not self.tells_its_end or self.pulse != Pulse.LISTENING
        quiet = self._stderr_bytes < FLOOD_BYTES
        fds = [self._pulse_fd if news else -1, self._exit_fd, self._stderr_fd if quiet else -1]
        return [fd for fd in fds if fd >= 0]

    def read(self, now_s: float) -> bool:
        """Take what it has said; True when there was a pulse."""
        self._read_stderr(now_s)
        data = _read(self._pulse_fd)
        if data == b"":
            os.close(self._pulse_fd)
            self._pulse_fd = -1
        if not data:
            return False
        self._words += data
        self._parse()
        return True

    def _parse(self) -> None:
        while self._words:
            first, rest = self._words[:1], self._words[1:]
            if first == Pulse.REASON:
                if b"\n" not in rest:
                    return
                line, rest = rest.split(b"\n", 1)
                self.reason = line.decode(errors="replace")
            elif first != Pulse.ENDING:
                self.pulse = first
            self._words = rest

    def _read_stderr(self, now_s: float) -> None:
        data = _read(self._stderr_fd)
        if data == b"":
            self._close_stderr()
        if data:
            self._stderr_bytes += len(data)
            self._log(self._limiter.feed(data, now_s))
        elif lines := self._limiter.summary(now_s):
            self._stderr_bytes = 0
            self._log(lines)

    def _log(self, lines: list[str]) -> None:
        for line in lines:
            log.warning("capture %s[%d]: %s", self._stream, self.pid, line)

    def _close_stderr(self) -> None:
        if self._process.stderr is not None and self._stderr_fd >= 0:
            self._process.stderr.close()
        self._stderr_fd = -1

    def tell_speech(self, *, speaking: bool) -> None:
        """Somebody began to speak, or stopped. One that does not read has other problems."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._speech_fd, Speech.STARTED if speaking else Speech.STOPPED)

    def signal(self, number: signal.Signals) -> None:
        """It may be gone already."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def close(self) -> None:
        """After its exit: the descriptors."""
        self._log(self._limiter.finish())
        self._close_stderr()
        for fd in (self._pulse_fd, self._exit_fd, self._speech_fd):
            if fd >= 0:
                os.close(fd)
        self._pulse_fd = self._exit_fd = self._speech_fd = -1

    def reap(self, timeout_s: float) -> None:
        """Kill it and wait: only where the daemon ends."""
        self.signal(signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        self.close()


def describe_exit(status: int) -> str:
    """For people, when it left no words of its own."""
    if status < 0:
        return f"the capture process was killed by {signal.Signals(-status).name}"
    try:
        return f"the capture process ended: {Exit(status).name.lower()}"
    except ValueError:
        return f"the capture process crashed with status {status}"


def _read(fd: int) -> bytes | None:
    """None when there is nothing at the moment, b"" at the end."""
    if fd < 0:
        return None
    try:
        return os.read(fd, READ_BYTES)
    except BlockingIOError:
        return None


def _pidfd(pid: int) -> int:
    if sys.platform != "linux":
        return -1
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel, or a sandbox: `tick` notices the exit
        return -1
