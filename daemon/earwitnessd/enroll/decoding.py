"""Decodes recordings in a thread that lives only for one: the engine goes on hearing meanwhile."""

from __future__ import annotations

import logging
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from earwitness.control import EnrollAudio
from earwitnessd.enroll.errors import RecordingError
from earwitnessd.enroll.recording import Decoded

Decode = Callable[[bytes], Decoded]

log = logging.getLogger(__name__)

CLOSE_S = 5.0  # the longest recording takes a second or two


@dataclass(frozen=True, eq=False, slots=True)
class Recorded:
    """A recording that was asked to be enrolled, decoded or found to be none."""

    token: int
    request: EnrollAudio
    decoded: Decoded | None
    problem: str
    # why it is none


class Decoding:
    """Owned by the engine thread, which polls `fileno`; one recording is decoded at a time, in order."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._waiting: deque[tuple[int, EnrollAudio, bytes]] = deque()
        self._done: deque[Recorded] = deque()
        # filled by the thread, emptied by its owner
        self._thread: threading.Thread | None = None
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)

    def fileno(self) -> int:
        """Readable when something is done."""
        return self._woken.fileno()

    def begin(self, token: int, request: EnrollAudio, recording: bytes) -> None:
        """Decode this one after those that wait."""
        self._waiting.append((token, request, recording))
        self._next()

    def take(self) -> list[Recorded]:
        """What has been decoded since."""
        if self._thread is None and not self._done:
            return []
        self._sleep_on()
        taken = [self._done.popleft() for _ in range(len(self._done))]
        if taken and self._thread is not None:
            self._thread.join()  # it has handed over: nothing is left to do
            self._thread = None
            self._sleep_on()  # what it was taken from may have been faster than its waking us
        self._next()
        return taken

    def _sleep_on(self) -> None:
        with suppress(BlockingIOError):
            self._woken.recv(4096)

    def close(self) -> None:
        """Wait for what is being decoded; nobody will take it."""
        self._waiting.clear()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            if self._thread.is_alive():
                return  # it still needs the sockets
        self._woken.close()
        self._waker.close()

    def _next(self) -> None:
        if self._thread is None and self._waiting:
            token, request, recording = self._waiting.popleft()
            thread = threading.Thread(
                target=self._run, args=(token, request, recording), name="decoding", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:  # no memory for its stack, or too many threads
                self._hand_over(
                    Recorded(token, request, None, f"{error}, for lack of memory: try again later")
                )
            else:
                self._thread = thread

    def _run(self, token: int, request: EnrollAudio, recording: bytes) -> None:
        decoded, problem = None, ""
        try:
            decoded = self._decode(recording)
        except RecordingError as error:
            problem = str(error)
        except Exception as error:
            log.exception("a recording that was sent for enrolment cannot be decoded: it is refused")
            problem = f"the recording cannot be decoded ({error!r}): send it as wav or flac"
        self._hand_over(Recorded(token, request, decoded, problem))

    def _hand_over(self, recorded: Recorded) -> None:
        self._done.append(recorded)
        with suppress(BlockingIOError):
            self._waker.send(b"\0")
