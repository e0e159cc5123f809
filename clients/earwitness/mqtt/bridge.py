"""The loop of `earwitness mqtt`: events in, retained topics out."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Mapping

from ..events import AnyEvent, DaemonReloaded, Event, ProfileDeleted, ProfileEnrolled, ProfileUpdated
from ..notices import Connected, Notice
from ..subscription import Subscription
from ..words import clean, describe
from .broker import Broker, Heard
from .discovery import configurations
from .home import Home
from .names import Names
from .retained import Retained
from .states import OFFLINE, states

MAY_CHANGE_GROUPS = Connected | DaemonReloaded | ProfileEnrolled | ProfileUpdated | ProfileDeleted


class Bridge:
    """Owned by the main thread."""

    def __init__(
        self,
        subscription: Subscription[AnyEvent | Notice],
        broker: Broker,
        names: Names,
        *,
        people: Callable[[], Iterable[str] | None],
        groups: Callable[[], Mapping[str, bool] | None],
        say: Callable[[str], object],
    ) -> None:
        self._subscription = subscription
        self._broker = broker
        self._names = names
        self._people = people
        self._groups = groups
        self._say = say
        self._home = Home()
        self._retained = Retained(names)
        self._troubled = False

    def run(self) -> None:
        """Go on until the subscription is stopped; ValueError if the broker will not have us."""
        self._broker.start()
        try:
            while not self._subscription.stopped:
                self._hear_broker()
                self._home.expire(time.monotonic(), time.time())
                self._publish(states(self._home, self._names))
                self._hear_daemon()
        finally:
            self._publish({self._names.status: OFFLINE})
            self._broker.close()

    def _publish(self, told: dict[str, str]) -> None:
        if not self._broker.connected:
            return
        wanted = {**configurations(self._home, self._names), **told}
        for topic, payload in self._retained.update(wanted, complete=self._home.complete):
            self._broker.publish(topic, payload)

    def _hear_daemon(self) -> None:
        date = self._home.next_expiry()
        item = self._subscription.receive(None if date is None else max(0.0, date - time.monotonic()))
        if item is None:
            return
        self._home.on_item(item, time.monotonic(), time.time())
        if not isinstance(item, Event):
            self._say(describe(item).text)
        if isinstance(item, Connected) and (names := self._people()) is not None:
            self._home.on_people(names)
        if isinstance(item, MAY_CHANGE_GROUPS) and (found := self._groups()) is not None:
            self._home.on_groups(found)

    def _hear_broker(self) -> None:
        while True:
            try:
                heard = self._broker.heard.get_nowait()
            except queue.Empty:
                return
            self._on_broker(heard)

    def _on_broker(self, heard: Heard) -> None:
        address = self._broker.address
        where = f"the broker at {address.host}:{address.port}"
        match heard.kind:
            case "connected":
                self._broker.connected = True
                self._troubled = False
                self._retained.on_connected()
                self._say(f"connected to {where}")
            case "disconnected":
                self._broker.connected = False
                if not self._troubled:
                    self._say(f"{where}: {clean(heard.text)}; trying again")
                self._troubled = True
            case "refused":
                raise ValueError(f"{where} refuses us: {heard.text}; see --username and --password-file")
            case "retained":
                self._retained.on_leftover(heard.text, heard.payload)
