"""The engine's thread as the main thread sees it: two mailboxes, its first word and its last."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import zmq

from earwitnessd.capture.words import AnyMessage
from earwitnessd.evidence.clip import Clip
from earwitnessd.handover import Brought, Failed, FromEngine, Pulse, Ready, Stop, ToEngine
from earwitnessd.listening.listener import Listener, Parts
from earwitnessd.mailbox import Mailbox
from earwitnessd.service.errors import StartError
from earwitnessd.service.signals import Signals
from earwitnessd.settings.root import Settings

LOOK_S = 1.0
STOP_S = 0.7
MOST_WAITING = 2000  # words


class EngineSide:
    """Owned by the main thread. The thread may outlive `stop` when it is stuck."""

    ready: Ready
    # after `await_ready`

    def __init__(
        self,
        audio: str,
        settings: Settings,
        open_parts: Callable[[], Parts],
    ) -> None:
        self._inbox: Mailbox[ToEngine] = Mailbox()
        self._outbox: Mailbox[FromEngine] = Mailbox()
        self._thread = Listener(audio, settings, open_parts, self._inbox, self._outbox)
        self.pulse: Pulse | None = None
        # the last one

    @property
    def alive(self) -> bool:
        """Its thread runs."""
        return self._thread.is_alive()

    def fileno(self) -> int:
        """Readable when it has something to say."""
        return self._outbox.fileno()

    @property
    def profiles(self) -> int:
        """How many people it knows."""
        return self.pulse.profiles if self.pulse else self.ready.profiles

    def start(self) -> None:
        """It begins with loading the model."""
        self._thread.start()

    def tell(self, word: ToEngine) -> None:
        """It will see to it."""
        self._inbox.put(word)

    def bring(self, message: AnyMessage, data: list[bytes]) -> bool:
        """A satellite's word; False: it is too busy to take that."""
        room = len(self._inbox) < MOST_WAITING
        if room:
            self._inbox.put(Brought(message, data))
        return room

    def await_ready(self, signals: Signals, stop_reason: Callable[[], str]) -> Ready:
        """The model may take a while; a signal ends the waiting. StartError if it cannot be ready."""
        poller = zmq.Poller()
        poller.register(self, zmq.POLLIN)
        poller.register(signals, zmq.POLLIN)
        while True:
            poller.poll(int(LOOK_S * 1000))
            for word in self._outbox.drain():
                if isinstance(word, Failed):
                    raise StartError(word.reason)
                if isinstance(word, Ready):
                    self.ready = word
                    return word
            if reason := stop_reason():
                raise StartError(f"stopped while loading the model ({reason})")
            if not self.alive:
                raise StartError("the engine thread ended without a word")

    def words(self) -> Iterator[FromEngine]:
        """What it has said; its pulse is noted."""
        for word in self._outbox.drain():
            assert not isinstance(word, Ready), "the engine is ready twice"
            if isinstance(word, Pulse):
                self.pulse = word
            else:
                yield word

    def stop(self, on_clip: Callable[[Clip], None]) -> None:
        """Have it finish, and wait for that a while; the audio it has cut out still counts."""
        self._inbox.put(Stop())
        self._thread.join(STOP_S)
        for word in self._outbox.drain():
            if isinstance(word, Clip):
                on_clip(word)
        if not self.alive:
            self._inbox.close()
            self._outbox.close()
