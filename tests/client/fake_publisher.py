"""A daemon's two sockets without the daemon: real ZeroMQ, scripted content."""

from __future__ import annotations

import queue
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self

import msgspec
import zmq

from earwitness.control import METHODS, AnyMethod, Problem, Reply, Request
from earwitness.events import Event, encode

Answer = object | Problem | None
# a result, a problem, or no answer at all
Task = Callable[[zmq.Socket[bytes]], object]
# run by the thread that owns the socket
Answers = Callable[[AnyMethod, bytes | None], Answer]


class FakePublisher:
    """XPUB with numbers and last values as the contract says; its thread owns the socket."""

    def __init__(self, endpoint: str, *, boot: str | None = None) -> None:
        self.endpoint = endpoint
        self.boot = boot or uuid.uuid4().hex
        self.subscribed = threading.Event()
        self._outbox: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._context = zmq.Context()
        self._bell: zmq.Socket[bytes] = self._context.socket(zmq.PAIR)
        self._bell.sndtimeo = 1000
        self._bell.bind("inproc://bell")
        self._ready = threading.Event()
        self._seq = 0
        self._topic_seq: Counter[str] = Counter()
        self._last: dict[str, Event] = {}
        self._thread = threading.Thread(target=self._serve, name="fake publisher")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10.0), f"cannot bind {self.endpoint}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hand_over(None)
        self._thread.join(10.0)
        self._context.destroy(linger=0)

    def publish(self, *events: Event) -> None:
        """Number and send events."""
        for event in events:
            self._hand_over(partial(self._number_and_send, event))

    def publish_raw(self, *frames: bytes) -> None:
        """Send frames as they are."""
        self._hand_over(lambda socket: socket.send_multipart(frames))

    def lose(self, *events: Event) -> None:
        """Give events their numbers, but never send them."""
        for event in events:
            self._hand_over(partial(self._number_only, event))

    def flush(self) -> None:
        """Return when everything handed over so far has gone out."""
        done = threading.Event()
        self._hand_over(lambda _: done.set())
        assert done.wait(10.0), "the fake publisher hangs"

    def _hand_over(self, task: Task | None) -> None:
        self._outbox.put(task)
        self._bell.send(b"")

    def _serve(self) -> None:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.XPUB)
        socket.linger = 200
        socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        socket.bind(self.endpoint)
        bell: zmq.Socket[bytes] = self._context.socket(zmq.PAIR)
        bell.connect("inproc://bell")
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(bell, zmq.POLLIN)
        self._ready.set()
        with socket, bell:
            while True:
                ready = dict(poller.poll(20_000))
                if socket in ready:
                    self._on_subscriptions(socket)
                if bell in ready:
                    bell.recv()
                    task = self._outbox.get()
                    if task is None:
                        return
                    task(socket)

    def _on_subscriptions(self, socket: zmq.Socket[bytes]) -> None:
        """All that have come: who subscribes to more than one topic does so at once."""
        messages: list[bytes] = []
        while socket.poll(0):
            messages.append(socket.recv())
        prefixes = [message[1:] for message in messages if message[:1] == b"\x01"]
        for prefix in prefixes:
            self._tell_last_values(socket, prefix)
        if prefixes:
            self.subscribed.set()

    def _tell_last_values(self, socket: zmq.Socket[bytes], prefix: bytes) -> None:
        for event in list(self._last.values()):
            if event.topic.encode().startswith(prefix):
                again = msgspec.structs.replace(event, replayed=True)
                self._send(socket, again)

    def _number_and_send(self, event: Event, socket: zmq.Socket[bytes]) -> None:
        self._send(socket, self._number(event))

    def _number_only(self, event: Event, _socket: zmq.Socket[bytes]) -> None:
        self._number(event)

    def _send(self, socket: zmq.Socket[bytes], event: Event) -> None:
        socket.send_multipart([event.topic.encode(), encode(event)])

    def _number(self, event: Event) -> Event:
        self._seq += 1
        self._topic_seq[event.topic] += 1
        event = msgspec.structs.replace(
            event,
            boot=self.boot,
            seq=self._seq,
            topic_seq=self._topic_seq[event.topic],
            time=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        )
        if event.state_key is not None:
            self._last[event.state_key] = event
        return event


class FakeControl:
    """ROUTER that answers what a function tells it to; its thread owns the socket."""

    def __init__(self, endpoint: str, answers: Answers) -> None:
        self.endpoint = endpoint
        self.requests: queue.SimpleQueue[AnyMethod] = queue.SimpleQueue()
        self._answers = answers
        self._context = zmq.Context()
        self._stop: zmq.Socket[bytes] = self._context.socket(zmq.PAIR)
        self._stop.sndtimeo = 1000
        self._stop.bind("inproc://stop")
        self._thread = threading.Thread(target=self._serve, name="fake control")
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10.0), f"cannot bind {self.endpoint}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.send(b"")
        self._thread.join(10.0)
        self._context.destroy(linger=0)

    def _serve(self) -> None:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        socket.linger = 200
        socket.bind(self.endpoint)
        stop: zmq.Socket[bytes] = self._context.socket(zmq.PAIR)
        stop.connect("inproc://stop")
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(stop, zmq.POLLIN)
        self._ready.set()
        with socket, stop:
            while True:
                ready = dict(poller.poll(20_000))
                if stop in ready:
                    return
                if socket in ready:
                    self._on_request(socket, socket.recv_multipart())

    def _on_request(self, socket: zmq.Socket[bytes], frames: list[bytes]) -> None:
        peer, frames = frames[0], frames[1:]
        envelope = [peer]
        if not frames[0]:
            envelope, frames = [peer, b""], frames[1:]
        request = msgspec.json.decode(frames[0], type=Request)
        method = msgspec.json.decode(request.params, type=METHODS[request.method])
        self.requests.put(method)
        answer = self._answers(method, frames[1] if len(frames) > 1 else None)
        if answer is None:
            return
        if isinstance(answer, Problem):
            reply = Reply(id=request.id, error=answer)
        else:
            reply = Reply(id=request.id, result=msgspec.Raw(msgspec.json.encode(answer)))
        socket.send_multipart([*envelope, msgspec.json.encode(reply)])
