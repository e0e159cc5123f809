"""Everything that other processes connect to: events, control, their doors and keys."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import zmq

from earwitness.control import AnyMethod
from earwitness.endpoints import CONTROL, EVENTS
from earwitness.events import SocketState
from earwitnessd.access import sockets
from earwitnessd.access.door import Door, key_of, who
from earwitnessd.access.keys import KeyRing
from earwitnessd.access.permissions import Permissions
from earwitnessd.control import ControlServer
from earwitnessd.publish import Publisher
from earwitnessd.settings.root import Sockets

log = logging.getLogger(__name__)

Attendants = dict[zmq.Socket[bytes] | int, Callable[[], None]]
# what to poll for reading, and what to call then


class PublicSide:
    """Owned by the main thread. What it opens, the stack closes in reverse order."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        settings: Sockets,
        boot: str,
        handle: Callable[[int, AnyMethod, bytes], None],
        stack: ExitStack,
        on_done: Callable[[str, AnyMethod, str], None] = lambda _who, _method, _problem: None,
    ) -> None:
        self.endpoints = sockets.resolve(settings)
        self._settings = settings
        self._keys = KeyRing(context, settings.curve) if settings.curve else None
        if self._keys:
            stack.callback(self._keys.close)
        self._doors: dict[str, Door] = {}
        attach = partial(self._open_door, stack)
        events = sockets.open_events(
            context, self.endpoints.events, settings, partial(attach, EVENTS, self.endpoints.events)
        )
        stack.callback(events.close)
        control = sockets.open_control(
            context, self.endpoints.control, settings, partial(attach, CONTROL, self.endpoints.control)
        )
        stack.callback(control.close)
        self.publisher = Publisher(
            events, boot, replay_events=settings.replay_events, admits=self._doors[EVENTS].admits
        )
        knows = partial(who, name_of=self._keys.name_of) if self._keys else who
        permissions = Permissions(self._keys if self.endpoints.control.startswith("tcp://") else None)
        self.control = ControlServer(
            control,
            handle,
            admits=self._doors[CONTROL].admits,
            who=knows,
            key=key_of,
            forbids=permissions.forbids,
            on_done=on_done,
        )

    def attendants(self) -> Attendants:
        """For the main thread's poller."""
        served: Attendants = {
            self.publisher.socket: self.publisher.on_subscriptions,
            self.control.socket: self.control.on_requests,
            **{door.monitor: door.on_events for door in self._doors.values()},
        }
        if self._keys:
            served[self._keys.socket] = self._keys.on_request
        return served

    @property
    def keys(self) -> KeyRing | None:
        """Who may do what; None: there are no keys."""
        return self._keys

    def adopt(self, door: Door) -> None:
        """Look after another socket's door, too."""
        self._doors[door.name] = door

    def reload_keys(self) -> None:
        """Whose key is gone is shown out at once."""
        if self._keys:
            self._keys.reload()
            for door in self._doors.values():
                door.cut_revoked()

    def tick(self) -> None:
        """Once a second: refuse what took too long, notice changed keys, tell who was shown out."""
        self.control.expire()
        if self._keys and self._keys.changed():
            log.info("the lists of keys have changed")
            self.reload_keys()
        for door in self._doors.values():
            door.tell()

    @property
    def state(self) -> SocketState:
        """For the heartbeat."""
        doors = self._doors.values()
        return SocketState(
            events=self.publisher.events,
            subscriptions=self.publisher.subscriptions,
            control_requests=self.control.requests,
            control_errors=self.control.errors,
            refused_clients=(self._keys.refused if self._keys else 0) + sum(door.failed for door in doors),
            clients=sum(door.clients for door in doors),
            cut_clients=sum(door.cut for door in doors),
            refused_subscriptions=self._doors[EVENTS].refused_subscriptions,
        )

    def _open_door(self, stack: ExitStack, name: str, endpoint: str, socket: zmq.Socket[bytes]) -> None:
        """Only over tcp does a key say who comes."""
        keys = self._keys if endpoint.startswith("tcp://") else None
        door = self._doors[name] = Door(
            socket,
            name,
            max_clients=self._settings.max_clients,
            max_subscriptions=self._settings.max_subscriptions,
            allows=partial(keys.allows, name) if keys else lambda _: True,
        )
        stack.callback(door.close)
