"""Takes audio off the sockets, as soon as it has come, and has its stream hear it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

import msgspec

from earwitness.events import Event
from earwitnessd.capture.inbox import Inbox
from earwitnessd.capture.messages import AnyMessage, Ended, Samples, heard, unpack
from earwitnessd.capture.words import STOPPED
from earwitnessd.handover import CaptureGone
from earwitnessd.listening.verifier import StreamVerifier

log = logging.getLogger(__name__)

INTAKE_S = 1.0  # before the next batch; then it is worked off as far as it has come


class Intake:
    """Owned by the engine thread. Only recordings are made to wait, for each other and to be worked off."""

    def __init__(self, streams: Mapping[str, StreamVerifier], publish: Callable[[list[Event]], None]) -> None:
        self._streams = streams
        self._publish = publish
        self.ended: dict[str, Ended] = {}
        # recordings that are over but not yet worked off

    def receive(self, audio: Inbox, *, recorded: bool) -> None:
        """All that has come: audio left in the socket would be late without anybody seeing it."""
        until_s = time.monotonic() + INTAKE_S
        go_on = not self._held_up(recorded=recorded)
        while go_on and time.monotonic() < until_s and (frames := audio.take()) is not None:
            try:
                message, samples = unpack(frames)
            except (msgspec.DecodeError, ValueError) as error:
                _log(error)
                continue
            go_on = self._hear(message, samples)

    def bring(self, message: AnyMessage, data: list[bytes]) -> None:
        """A satellite's word, with the frames of its samples."""
        try:
            message, samples = heard(message, data)
        except ValueError as error:
            _log(error)
            return
        self._hear(message, samples)

    def _held_up(self, *, recorded: bool) -> bool:
        """Whether what has come must be worked off first."""
        if not recorded and not self.ended:
            return False
        return any(
            verifier.hearing.full or stream in self.ended
            for stream, verifier in self._streams.items()
            if verifier.hearing.recorded == recorded
        )

    def _hear(self, message: AnyMessage, samples: Samples | None) -> bool:
        """Whether there is room for more; if not, what has come is worked off first."""
        verifier = self._streams.get(message.stream)
        if verifier is None:
            return True  # a stream that was removed meanwhile
        if isinstance(message, Ended) and message.stream_id == verifier.hearing.stream_id:
            self.ended[message.stream] = message
            return False
        self._publish(verifier.on_message(message, samples))
        return not verifier.hearing.full

    def explain(self, gone: CaptureGone) -> None:
        """A process that was told to end does not know why; one that ended by itself has said so."""
        ended = self.ended[gone.stream]
        if ended.reason == STOPPED and ended.stream_id == gone.stream_id:
            self.ended[gone.stream] = msgspec.structs.replace(ended, reason=gone.reason, final=gone.final)

    def finish_recordings(self) -> None:
        """Say that a stream is lost only after the last of its windows."""
        for stream, message in list(self.ended.items()):
            verifier = self._streams[stream]
            if not verifier.hearing.due:
                del self.ended[stream]
                self._publish(verifier.on_message(message, None))


def _log(error: Exception) -> None:
    log.warning("a message on the audio socket makes no sense: %s", error)
