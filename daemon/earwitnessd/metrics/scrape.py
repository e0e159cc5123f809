"""Serves one page over HTTP from somebody else's poller: bounded, never waiting, no thread."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from typing import Literal

from earwitnessd.metrics.figures import CONTENT_TYPE, Figures
from earwitnessd.settings.addresses import Address

PATH = b"/metrics"
MOST_CLIENTS = 16  # beyond them the oldest has to go: whoever holds connections shuts out nobody
LONGEST_REQUEST = 8 << 10  # bytes
CLIENT_LIMIT_S = 5.0  # from connecting to having read the answer
FRESH_S = 0.2  # the same text is given out for so long: asking faster costs nothing more
RUSH = 8  # connections looked after before the daemon's other business comes again


class MetricsError(Exception):
    """The address cannot be listened at: says why."""


class Metrics:
    """What is counted, and who gives it out; both belong to the main thread."""

    def __init__(self, address: Address) -> None:
        self.figures = Figures()
        self.server = ScrapeServer(address, self.figures.text)


class Client:
    """One connection: a request that grows, then an answer that shrinks."""

    def __init__(self, connection: socket.socket, until_s: float) -> None:
        self.connection = connection
        self.until_s = until_s
        self.request = b""
        self.answer = b""


class ScrapeServer:
    """Owned by the main thread, which polls `fileno` for reading and calls `on_ready`."""

    def __init__(
        self, address: Address, text: Callable[[], bytes], *, client_limit_s: float = CLIENT_LIMIT_S
    ) -> None:
        self._text = text
        self._client_limit_s = client_limit_s
        self._cached: tuple[float, bytes] = (0.0, b"")
        self._clients: dict[socket.socket, Client] = {}
        # the oldest first
        self._listener = listen(address)
        self._selector = selectors.DefaultSelector()
        # one descriptor for all connections: the main thread's poller need not know them
        self._selector.register(self._listener, selectors.EVENT_READ)

    def fileno(self) -> int:
        """Readable when somebody has come or can go on."""
        number: int = self._selector.fileno()
        return number

    @property
    def address(self) -> Address:
        """With the port that the kernel chose where 0 was asked for."""
        host, port = self._listener.getsockname()[:2]
        return Address(host, port)

    @property
    def clients(self) -> int:
        """Connections open at present."""
        return len(self._clients)

    def on_ready(self) -> None:
        """Go on with whoever is ready, at most `RUSH` of them."""
        for key, _ in self._selector.select(0)[:RUSH]:
            if key.fileobj is self._listener:
                self._accept()
            elif client := self._clients.get(key.fileobj):  # type: ignore[call-overload]  # a socket
                self._serve(client)

    def expire(self) -> None:
        """Let go of the slow; call it about once a second."""
        now_s = time.monotonic()
        for client in [client for client in self._clients.values() if client.until_s <= now_s]:
            self._drop(client)

    def close(self) -> None:
        """Of everybody."""
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # gone again, or the daemon has no descriptor left: another scrape will come
            return
        connection.setblocking(False)
        if len(self._clients) >= MOST_CLIENTS:
            self._drop(next(iter(self._clients.values())))
        self._clients[connection] = Client(connection, time.monotonic() + self._client_limit_s)
        self._selector.register(connection, selectors.EVENT_READ)

    def _serve(self, client: Client) -> None:
        try:
            if not client.answer:
                self._read(client)
            if client.answer:
                client.answer = client.answer[client.connection.send(client.answer) :]
                if not client.answer:
                    self._drop(client)
        except BlockingIOError:
            return
        except OSError:
            self._drop(client)

    def _read(self, client: Client) -> None:
        data = client.connection.recv(LONGEST_REQUEST)
        if not data:
            self._drop(client)
            return
        client.request += data
        head, ended, _ = client.request.partition(b"\r\n\r\n")
        if ended:
            client.answer = self._answer(head)
        elif len(client.request) > LONGEST_REQUEST:
            client.answer = _response("431 Request Header Fields Too Large", b"")
        if client.answer:
            self._selector.modify(client.connection, selectors.EVENT_WRITE)

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        target, _, version = rest.partition(b" ")
        if not version.startswith(b"HTTP/1."):
            return _response("400 Bad Request", b"")
        if target.partition(b"?")[0] != PATH:
            return _response("404 Not Found", b"the metrics are at /metrics\n")
        if method not in {b"GET", b"HEAD"}:
            return _response("405 Method Not Allowed", b"")
        return _response("200 OK", self._fresh_text(), "HEAD" if method == b"HEAD" else "GET")

    def _fresh_text(self) -> bytes:
        now_s = time.monotonic()
        made_s, text = self._cached
        if not text or now_s - made_s > FRESH_S:
            text = self._text()
            self._cached = (now_s, text)
        return text

    def _drop(self, client: Client) -> None:
        self._clients.pop(client.connection, None)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(client.connection)
        client.connection.close()


def listen(address: Address) -> socket.socket:
    """A bound socket; MetricsError if there can be none."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise MetricsError(
            f"metrics.listen = {address}: {error.strerror}; as a service, `earwitnessd install` again lets it"
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((address.host, address.port))
        listener.listen(MOST_CLIENTS)
    except OSError as error:
        listener.close()
        raise MetricsError(f"metrics.listen = {address}: cannot listen there: {error.strerror}") from error
    return listener


def _response(status: str, body: bytes, method: Literal["GET", "HEAD"] = "GET") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (body if method == "GET" else b"")
