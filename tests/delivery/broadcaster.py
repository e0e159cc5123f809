"""The daemon's public side in a process of its own: real sockets, doors, publisher and control, no audio.

Arguments: folder, events a second, events at most (0: no end), and YAML of `sockets` settings.
It publishes as fast as asked until SIGTERM, and keeps a ledger: FOLDER/BOOT holds the number published.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
import time
import uuid
from functools import partial
from pathlib import Path

import msgspec
import zmq

from earwitness.control import AnyMethod, Done, EventsSince
from earwitness.endpoints import CONTROL, EVENTS
from earwitness.events import DaemonStarted, DaemonStopping, ProfileDeleted, SpeakerVerified, StreamGap
from earwitnessd.access.door import Door
from earwitnessd.access.keys import KeyRing
from earwitnessd.access.sockets import open_control, open_events
from earwitnessd.control import ControlServer
from earwitnessd.publish import Publisher
from earwitnessd.settings.root import Sockets

BEAT_S = 0.25


class Broadcaster:
    """Everything in one thread, as in the daemon."""

    def __init__(self, folder: Path, per_second: float, most: int, settings: Sockets) -> None:
        self.boot = str(uuid.uuid4())
        self.folder = folder
        self.every_s = 1 / per_second
        self.most = most
        self.stopping = False
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.keys = KeyRing(self.context, settings.curve) if settings.curve else None
        self.doors: dict[str, Door] = {}
        endpoints = {
            name: f"ipc://{folder}/{name}" if given == "auto" else given
            for name, given in ((EVENTS, settings.events), (CONTROL, settings.control))
        }
        attach = partial(self.attach, settings)
        events = open_events(self.context, endpoints[EVENTS], settings, partial(attach, EVENTS))
        control = open_control(self.context, endpoints[CONTROL], settings, partial(attach, CONTROL))
        self.publisher = Publisher(
            events, self.boot, replay_events=settings.replay_events, admits=self.doors[EVENTS].admits
        )
        self.control = ControlServer(control, self.handle, admits=self.doors[CONTROL].admits)
        self.ledger = os.open(folder / self.boot, os.O_RDWR | os.O_CREAT)

    def attach(self, settings: Sockets, name: str, socket: zmq.Socket[bytes]) -> None:
        keys = self.keys
        self.doors[name] = Door(
            socket,
            name,
            max_clients=settings.max_clients,
            max_subscriptions=settings.max_subscriptions,
            allows=partial(keys.allows, name) if keys else lambda _: True,
        )

    def handle(self, token: int, method: AnyMethod, _: bytes) -> None:
        match method:
            case EventsSince(boot=boot, seq=seq, topics=topics):
                self.control.reply(token, self.publisher.since(boot, seq, topics))
            case _:
                self.control.reply(token, Done(message=json.dumps(self.figures())))

    def figures(self) -> dict[str, int]:
        return {
            "refused_clients": (self.keys.refused if self.keys else 0)
            + sum(door.failed for door in self.doors.values()),
            "clients": sum(door.clients for door in self.doors.values()),
            "cut_clients": sum(door.cut for door in self.doors.values()),
            "refused_subscriptions": self.doors[EVENTS].refused_subscriptions,
            "events": self.publisher.events,
        }

    def run(self, wake: socket.socket) -> None:
        poller = zmq.Poller()
        sources: list[zmq.Socket[bytes]] = [self.publisher.socket, self.control.socket]
        sources += [door.monitor for door in self.doors.values()]
        sources += [self.keys.socket] if self.keys else []
        for source in (*sources, wake):
            poller.register(source, zmq.POLLIN)
        started = DaemonStarted(
            version="0", pid=os.getpid(), model="m", model_id="m@1", device="cpu", streams=["desk"]
        )
        self.publish(started)
        print(self.publisher.socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode(), flush=True)  # type: ignore[union-attr]  # an endpoint is bytes
        print(self.control.socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode(), flush=True)  # type: ignore[union-attr]  # an endpoint is bytes
        due_s = beat_due_s = time.monotonic()
        while not self.stopping:
            waiting = 10.0 if self.done else due_s - time.monotonic()
            wait_s = min(waiting, beat_due_s - time.monotonic())
            ready = dict(poller.poll(max(0, int(wait_s * 1000))))
            self.attend(ready)
            now_s = time.monotonic()
            if now_s >= due_s and not self.done:
                due_s = max(due_s + self.every_s, now_s - 1.0)
                self.publish_next()
            if now_s >= beat_due_s:
                beat_due_s = now_s + BEAT_S
                self.beat()
        self.publish(DaemonStopping(reason="SIGTERM"))
        self.close()

    @property
    def done(self) -> bool:
        return bool(self.most) and self.publisher.events >= self.most

    def attend(self, ready: dict[object, int]) -> None:
        if self.publisher.socket in ready:
            self.publisher.on_subscriptions()
        if self.control.socket in ready:
            self.control.on_requests()
        for door in self.doors.values():
            door.on_events()
        if self.keys and self.keys.socket in ready:
            self.keys.on_request()

    def beat(self) -> None:
        for door in self.doors.values():
            door.tell()
        if self.keys and self.keys.changed():
            self.keys.reload()
            for door in self.doors.values():
                door.cut_revoked()

    def publish_next(self) -> None:
        """Of three events one bears state; `start` of the others is the clock."""
        number = self.publisher.events
        now_ns = time.monotonic_ns()
        if number % 3 == 0:
            self.publish(verified(f"person{number % 7}", number))
        elif number % 30 == 1:
            self.publish(ProfileDeleted(speaker=f"person{number % 11}"))
        else:
            self.publish(
                StreamGap(
                    stream="desk", stream_id="desk-1", start=now_ns, stop=now_ns, samples=1, reason="clock"
                )
            )

    def publish(
        self, event: DaemonStarted | DaemonStopping | ProfileDeleted | StreamGap | SpeakerVerified
    ) -> None:
        self.publisher.publish(event)
        os.pwrite(self.ledger, struct.pack("=q", self.publisher.events), 0)

    def close(self) -> None:
        self.publisher.socket.close()
        self.control.socket.close()
        for door in self.doors.values():
            door.close()
        if self.keys:
            self.keys.close()
        self.context.term()


def verified(speaker: str, position: int) -> SpeakerVerified:
    return SpeakerVerified(
        stream="desk",
        stream_id="desk-1",
        start=position,
        stop=position + 1,
        speaker=speaker,
        score=0.9,
        threshold=0.7,
        runner_up=None,
        margin=None,
        evidence_s=1.0,
        since=position,
        ttl_s=6.0,
    )


def main() -> None:
    folder, per_second, most, settings = sys.argv[1:]
    reading, writing = socket.socketpair()
    for end in (reading, writing):
        end.setblocking(False)
    broadcaster = Broadcaster(
        Path(folder), float(per_second), int(most), msgspec.json.decode(settings, type=Sockets)
    )

    def stop(*_: object) -> None:
        broadcaster.stopping = True

    signal.set_wakeup_fd(writing.fileno())
    signal.signal(signal.SIGTERM, stop)
    broadcaster.run(reading)


if __name__ == "__main__":
    main()
