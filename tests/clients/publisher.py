"""The daemon's publisher in a thread, made to lose events on purpose."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

import zmq

from earwitness.events import Event
from earwitnessd.access.sockets import open_events
from earwitnessd.publish import Publisher
from earwitnessd.settings.root import Sockets

BOOT = str(uuid.UUID(int=7))
PATIENCE_S = 20.0


class LossySocket(zmq.Socket[bytes]):
    """Sends nothing while it is told to lose, after the publisher has numbered it."""

    losing = False
    subscribed: frozenset[bytes] = frozenset()

    def send(self, *args: Any, **options: Any) -> Any:
        """Send a part, or don't."""
        return None if self.losing else super().send(*args, **options)

    def recv(self, *args: Any, **options: Any) -> Any:
        """Receive a subscription, and keep in mind to what."""
        message = super().recv(*args, **options)
        self.subscribed |= {bytes(memoryview(message))[1:]}  # a frame, or its bytes
        return message


Task = Callable[[Publisher, LossySocket], object]


class PublisherThread:
    """A real event socket with the real publisher; its thread owns both."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._bell: zmq.Socket[bytes] = self._context.socket(zmq.PAIR)
        self._bell.bind("inproc://bell")
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._subscribed: queue.SimpleQueue[frozenset[bytes]] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="publisher")

    def publish(self, *events: Event) -> None:
        """Number and send."""
        for event in events:
            self._hand_over(partial(_publish, event=event, losing=False))

    def lose(self, *events: Event) -> None:
        """Number, and do not send."""
        for event in events:
            self._hand_over(partial(_publish, event=event, losing=True))

    def send(self, topic: str, body: bytes) -> None:
        """Send what the publisher never would."""
        self._hand_over(lambda _, socket: socket.send_multipart([topic.encode(), body]))

    def await_subscription(self, *prefixes: str) -> None:
        """Return when somebody has subscribed to all of these, and was told the last values."""
        wanted = {prefix.encode() for prefix in prefixes}
        while not wanted <= self._subscribed.get(timeout=PATIENCE_S):
            pass

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE_S), f"cannot bind {self._endpoint}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hand_over(None)
        self._thread.join(PATIENCE_S)
        self._context.destroy(linger=0)

    def _hand_over(self, task: Task | None) -> None:
        self._tasks.put(task)
        self._bell.send(b"")

    def _serve(self) -> None:
        bell: zmq.Socket[bytes] = self._context.socket(zmq.PAIR)
        bell.connect("inproc://bell")
        poller = zmq.Poller()
        poller.register(bell, zmq.POLLIN)
        with open_events(self._context, self._endpoint, Sockets()) as socket, bell:
            lossy = LossySocket(socket)
            publisher = Publisher(lossy, BOOT)
            poller.register(socket, zmq.POLLIN)
            self._ready.set()
            while ready := dict(poller.poll(round(1000 * PATIENCE_S))):
                if socket in ready:
                    publisher.on_subscriptions()
                    self._subscribed.put(lossy.subscribed)
                if bell in ready:
                    bell.recv()
                    task = self._tasks.get()
                    if task is None:
                        return
                    task(publisher, lossy)


def _publish(publisher: Publisher, socket: LossySocket, *, event: Event, losing: bool) -> None:
    socket.losing = losing
    publisher.publish(event)
    socket.losing = False
