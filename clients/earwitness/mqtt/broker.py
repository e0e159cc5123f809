"""The connection to the broker: paho's thread talks to it, ours takes what it heard from a queue."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

KEEPALIVE_S = 30
RECONNECT_S = (1, 30)
FAREWELL_S = 3.0
_FOR_GOOD = ("Bad user name or password", "Not authorized", "Client identifier not valid", "Banned")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is, and how it lets us in."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None


class Heard(msgspec.Struct, frozen=True):
    """What the broker, or its absence, said."""

    kind: Literal["connected", "disconnected", "refused", "retained"]
    text: str = ""
    # the reason; the topic
    payload: bytes = b""


class Broker:
    """Owned by one thread; `wake` is called from paho's whenever `heard` has something new."""

    def __init__(
        self, address: Address, will: tuple[str, str], leftovers: list[str], wake: Callable[[], None]
    ):
        self.address = address
        self.connected = False
        self.heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._leftovers = leftovers
        self._wake = wake
        self._in_flight: list[paho.MQTTMessageInfo] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(address.username, address.password)
        if address.tls:
            self._client.tls_set(ca_certs=None if address.ca_file is None else str(address.ca_file))
        self._client.will_set(will[0], will[1], qos=1, retain=True)
        self._client.reconnect_delay_set(*RECONNECT_S)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Connect, and go on trying; what comes of it is in `heard`."""
        self._client.connect_async(self.address.host, self.address.port, KEEPALIVE_S)
        self._client.loop_start()

    def publish(self, topic: str, payload: str) -> None:
        """Retained, at least once."""
        self._in_flight = [info for info in self._in_flight if not info.is_published()]
        self._in_flight.append(self._client.publish(topic, payload.encode(), qos=1, retain=True))

    def close(self) -> None:
        """Wait until the last words are taken, and leave in good order: without the will."""
        for info in self._in_flight:
            if not self.connected:
                break
            info.wait_for_publish(FAREWELL_S)
        self._client.disconnect()
        self._client.loop_stop()

    # paho's thread from here on.

    def _say(self, heard: Heard) -> None:
        self.heard.put(heard)
        self._wake()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            kind: Literal["refused", "disconnected"]
            kind = "refused" if str(reason) in _FOR_GOOD else "disconnected"
            self._say(Heard(kind, str(reason)))
            return
        self._say(Heard("connected"))
        self._client.subscribe([(topic, 1) for topic in self._leftovers])

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        doubt = ", or its certificate is not accepted" if self.address.tls else ""
        self._say(Heard("disconnected", f"no broker answers there{doubt}"))

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._say(Heard("disconnected", str(reason)))

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if message.retain:  # else it is what we have just published
            self._say(Heard("retained", message.topic, bytes(message.payload)))
