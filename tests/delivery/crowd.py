"""Subscribers of every kind: those that keep accounts, those that are stuck, and those that mean harm."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import zmq

from earwitness import DaemonStopping, Missed, Restarted, subscribe
from earwitness.events import Event

FLOOD = 400  # subscriptions
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)  # of ZMTP 3.0
READY = b"\x04\x1a" + b"\x05READY" + b"\x0bSocket-Type" + b"\x00\x00\x00\x04XSUB"
ENOUGH = 60  # events of one boot


class Accountant(threading.Thread):
    """Listens to everything, and writes down what it heard and what it was told it missed."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(name="accountant")
        self.subscription = subscribe(endpoint)
        self.heard: dict[str, set[int]] = defaultdict(set)
        self.highest: dict[str, int] = defaultdict(int)
        self.first: dict[str, int] = {}
        self.told_missed = 0
        self.ends_heard: set[str] = set()
        self.twice = 0
        self.out_of_order = 0
        self.boots: list[str] = []
        self.arrived = threading.Semaphore(0)
        self.settled = threading.Semaphore(0)

    def run(self) -> None:
        while not self.subscription.stopped:
            item = self.subscription.receive(10.0)
            if isinstance(item, Event):
                self.on_event(item)
            elif isinstance(item, Missed):
                self.told_missed += item.count
            elif isinstance(item, Restarted) and item.end_heard:
                self.ends_heard.add(item.previous)
        self.counts = self.subscription.counts

    def on_event(self, event: Event) -> None:
        boot = event.boot
        if boot not in self.heard:
            self.boots.append(boot)
            self.arrived.release()
            if len(self.boots) > 1:
                self.first[boot] = 1
        self.twice += event.seq in self.heard[boot]
        self.heard[boot].add(event.seq)
        if not event.replayed:
            self.out_of_order += event.seq <= self.highest[boot]
            self.first.setdefault(boot, event.seq)
            self.highest[boot] = max(self.highest[boot], event.seq)
        if len(self.heard[boot]) == ENOUGH:
            self.settled.release()  # once a boot
        if isinstance(event, DaemonStopping):
            self.ends_heard.add(boot)

    def finish(self) -> None:
        self.subscription.stop()
        self.join(20.0)
        assert not self.is_alive()
        self.subscription.close()

    @property
    def really_missed(self) -> int:
        """From the first live event it heard to the last of each boot."""
        return sum(
            len(set(range(first, self.highest[boot] + 1)) - self.heard[boot])
            for boot, first in self.first.items()
        )


@contextmanager
def stuck(endpoint: str, count: int) -> Iterator[None]:
    """Subscribers that never read."""
    with zmq.Context() as context, ExitStack() as stack:
        for _ in range(count):
            sub = stack.enter_context(context.socket(zmq.SUB))
            sub.linger = 0
            sub.rcvhwm = 1
            sub.subscribe(b"")
            sub.connect(endpoint)
        yield


def flood(endpoint: str, count: int, length: int) -> None:
    """Different subscriptions as fast as the kernel takes them, all ready before the first is sent."""
    topics = (f"{number:06}".encode() + b"x" * (length - 6) for number in range(count))
    ready = b"".join(_message(b"\1" + topic) for topic in topics)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10.0)
        client.connect(endpoint.removeprefix("ipc://"))
        for greeting in (GREETING, READY):
            client.sendall(greeting)
            client.recv(len(greeting), socket.MSG_WAITALL)
        with pytest.raises(ConnectionError):  # nobody could take so much
            client.sendall(ready)


def _message(content: bytes) -> bytes:
    """As ZMTP frames it."""
    if len(content) < 256:
        return struct.pack("!BB", 0, len(content)) + content
    return struct.pack("!BQ", 2, len(content)) + content


@contextmanager
def hostile(endpoint: str, count: int) -> Iterator[None]:
    """A third floods with subscriptions, a third sends what is none, a third is no ZeroMQ at all."""
    over = threading.Event()
    with zmq.Context() as context, ExitStack() as stack:
        for number in range(count):
            if number % 3 == 2:
                thread = threading.Thread(target=_noise, args=(endpoint, over))
                thread.start()
                stack.callback(thread.join, 20.0)
                continue
            bad = stack.enter_context(context.socket(zmq.XSUB))
            bad.linger = 0
            bad.sndhwm = 0
            bad.reconnect_ivl = 200
            bad.connect(endpoint)
            for message in range(FLOOD):
                text = f"{number}-{message}-".encode() + b"x" * 300
                with suppress(zmq.Again):
                    bad.send(b"\1" + text if number % 3 == 0 else text, zmq.NOBLOCK)
        stack.callback(over.set)
        yield


def _noise(endpoint: str, over: threading.Event) -> None:
    while not over.wait(0.2):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(0.2)
            client.connect(endpoint.removeprefix("ipc://"))
            client.send(os.urandom(700))
