"""Where microphones elsewhere connect: knows each by its key, and hands what it says to its stream."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import msgspec
import zmq

from earwitness.endpoints import SATELLITES
from earwitness.events import SatelliteCut
from earwitnessd.access import sockets
from earwitnessd.access.door import Door
from earwitnessd.access.keys import KeyRing
from earwitnessd.capture.words import AnyMessage, Audio, decode
from earwitnessd.satellite import link
from earwitnessd.satellite.allowance import Allowance
from earwitnessd.satellite.conduct import FloodError
from earwitnessd.satellite.hearsay import LieError
from earwitnessd.satellite.remote import RemoteStream, Way
from earwitnessd.settings.root import Sockets
from earwitnessd.settings.sources import Network

MESSAGES_A_TURN = 200
# then the daemon's other business comes again
LONGEST_HEADER = 4096
# bytes of everything but samples
AGAIN_S = 5.0
MARGIN_S = 0.2
ANSWERS_TO_STRANGERS = 5.0
# a second, to keys that no stream has and to connections that did not say hello

log = logging.getLogger(__name__)


class Gateway:
    """Owned by the main thread; so little work a message that a process of its own would cost more."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        settings: Sockets,
        keys: KeyRing,
        boot: str,
        bring: Callable[[AnyMessage, list[bytes]], bool],
        publish: Callable[[SatelliteCut], object],
        stack: ExitStack,
    ) -> None:
        self._keys = keys
        self._boot = boot
        self._streams: dict[str, RemoteStream] = {}
        # by the name of their key
        self._strangers = Allowance(ANSWERS_TO_STRANGERS, ANSWERS_TO_STRANGERS)
        self._bring = bring
        # to the engine; False: it takes no more
        self._publish = publish
        self.dropped = 0
        # messages that the engine did not take
        self.socket = sockets.open_satellites(context, settings, partial(self._attach, settings, stack))
        stack.callback(self.close)

    def _attach(self, settings: Sockets, stack: ExitStack, socket: zmq.Socket[bytes]) -> None:
        self.door = Door(
            socket,
            SATELLITES,
            max_clients=settings.max_clients,
            max_subscriptions=1,
            allows=partial(self._keys.allows, SATELLITES),
        )
        stack.callback(self.door.close)

    @property
    def endpoint(self) -> str:
        """With the port that the kernel chose where none was set."""
        return self.socket.get_string(zmq.LAST_ENDPOINT)

    def add(self, stream: str, source: Network, openings: int) -> RemoteStream:
        """Expect this stream's satellite."""
        key = source.key or stream
        way = Way(self._to_engine, self._to_satellite, self._publish)
        remote = self._streams[key] = RemoteStream(stream, key, self._boot, way, openings)
        return remote

    def remove(self, remote: RemoteStream) -> None:
        """It is expected no longer."""
        if self._streams.get(remote.key) is remote:
            del self._streams[remote.key]

    def on_messages(self) -> None:
        """Take what has come."""
        for _ in range(MESSAGES_A_TURN):
            try:
                frames = self.socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            if self.door.admits(frames[-1]):
                self._on_message(frames)

    def close(self) -> None:
        """The socket."""
        self.socket.close(linger=0)

    def _on_message(self, frames: list[zmq.Frame]) -> None:
        now_s = time.monotonic()
        identity, frame = frames[0].bytes, frames[-1]
        key = self._keys.name_of(str(frame.get("User-Id")).encode())
        remote = self._streams.get(key)
        if remote is None:
            self._refuse(identity, f"no stream of this daemon has the key {key!r}", now_s)
        elif banned_s := remote.conduct.banned_s(now_s):
            remote.conduct.refused += 1
            asks = _is_hello(frames[1].bytes)
            if not (asks and self._refuse(identity, remote.cut_because, now_s, banned_s)):
                self.door.show_out(frame, f"{key} is cut off")
        else:
            self._hear(remote, identity, frames, now_s)

    def _hear(self, remote: RemoteStream, identity: bytes, frames: list[zmq.Frame], now_s: float) -> None:
        frame, parts = frames[-1], [part.bytes for part in frames[1:]]
        try:
            remote.conduct.count(sum(len(part) for part in parts[2:]), now_s)
            self._take(remote, identity, parts, str(frame.get("Peer-Address")), now_s)
        except (LieError, FloodError, msgspec.DecodeError, ValueError) as error:
            remote.conduct.refused += 1
            reason = " ".join(str(error).split())[:200]
            ban_s = remote.cut(reason, now_s)
            self._to_satellite(identity, link.Refused(reason=reason, again_in_s=ban_s))
            self.door.show_out(frame, f"{remote.key}: {reason}")

    def _take(
        self, remote: RemoteStream, identity: bytes, parts: list[bytes], address: str, now_s: float
    ) -> None:
        if not parts or len(parts) > 3 or any(len(part) > LONGEST_HEADER for part in parts[:2]):
            raise LieError(f"a message of {len(parts)} frames that is none of ours")
        word = link.from_satellite(parts[0])
        if isinstance(word, link.Hello):
            self._on_hello(remote, identity, word, address, now_s)
        elif not remote.is_link(identity):
            self._refuse(identity, "say hello first", now_s, 0.0)
        elif isinstance(word, link.Answer):
            remote.on_answer(word, now_s)
        elif len(parts) > 1:
            remote.on_block(word.number, decode(parts[1]), parts[2:], now_s)
        else:
            raise LieError("a block of nothing")

    def _on_hello(
        self, remote: RemoteStream, identity: bytes, hello: link.Hello, address: str, now_s: float
    ) -> None:
        if hello.protocol != link.PROTOCOL:
            reason = (
                f"it speaks protocol {hello.protocol}, this daemon {link.PROTOCOL}: upgrade the older one"
            )
            self._refuse(identity, reason, now_s, 60.0)
        elif hello.trying:
            self._to_satellite(identity, link.Welcome(boot=self._boot, stream=remote.stream, taken=-1))
        elif remote.in_use_by_another(identity, hello.run):
            reason = f"another satellite with the key {remote.key!r} is being heard"
            # it may be the same, started anew: then the other falls silent
            self._refuse(identity, reason, now_s, remote.silent_in_s(now_s) + MARGIN_S)
        else:
            remote.on_hello(identity, hello, address, now_s)

    def _refuse(self, identity: bytes, reason: str, now_s: float, again_in_s: float = AGAIN_S) -> bool:
        """Say so, unless so many ask that nobody could."""
        may = self._strangers.take(1.0, now_s)
        if may:
            self._to_satellite(identity, link.Refused(reason=reason, again_in_s=again_in_s))
        return may

    def _to_satellite(self, identity: bytes, word: link.Word) -> None:
        try:
            self.socket.send_multipart([identity, link.encode(word)], zmq.DONTWAIT)
        except zmq.ZMQError:  # it does not read, or has just left: it will come again
            log.debug("a satellite could not be told %s", word)

    def _to_engine(self, message: AnyMessage, data: list[bytes]) -> None:
        if not self._bring(message, data if isinstance(message, Audio) else []):
            self.dropped += 1  # the gap shows in the positions


def _is_hello(frame: bytes) -> bool:
    try:
        return isinstance(link.from_satellite(frame), link.Hello)
    except msgspec.DecodeError:
        return False
