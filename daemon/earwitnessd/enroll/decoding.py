"""Decodes recordings in a thread that lives only for one: the engine goes on hearing meanwhile."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from earwitness.control import EnrollAudio
from earwitnessd.enroll.errors import RecordingError
from earwitnessd.enroll.recording import Decoded
from earwitnessd.mailbox import Mailbox

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
        self._done: Mailbox[Recorded] = Mailbox()
        self._thread: threading.Thread | None = None

    def fileno(self) -> int:
        """Readable when something is done."""
        return self._done.fileno()

    def begin(self, token: int, request: EnrollAudio, recording: bytes) -> None:
        """Decode this one after those that wait."""
        self._waiting.append((token, request, recording))
        self._next()

    def take(self) -> list[Recorded]:
        """What has been decoded since."""
        if self._thread is None and not self._done:
            return []
        taken = list(self._done.drain())
        if taken and self._thread is not None:
            self._thread.join()  # it has handed over: nothing is left to do
            self._thread = None
            taken += self._done.drain()  # nothing: it was taken from before it could wake us
        self._next()
        return taken

    def close(self) -> None:
        """Wait for what is being decoded; nobody will take it."""
        self._waiting.clear()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            if self._thread.is_alive():
                return  # it still needs the mailbox
        self._done.close()

    def _next(self) -> None:
        if self._thread is None and self._waiting:
            token, request, recording = self._waiting.popleft()
            thread = threading.Thread(
                target=self._run, args=(token, request, recording), name="decoding", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:  # no memory for its stack, or too many threads
                self._done.put(
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
        self._done.put(Recorded(token, request, decoded, problem))
