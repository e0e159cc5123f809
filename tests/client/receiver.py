"""A real HTTP server that answers POSTs as a test tells it to."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from .programs import TIMEOUT_S

Behaviour = int | Literal["hang", "drop"]
# a status, no answer until the end, or a broken connection


class Received(NamedTuple):
    """One POST."""

    body: bytes
    headers: dict[str, str]

    @property
    def event(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]


class Receiver:
    """Answers 200 where it was not told otherwise."""

    def __init__(self, *behaviours: Behaviour, port: int = 0) -> None:
        self.received: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._behaviours = list(behaviours)
        self._end = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self._on_post))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="receiver")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook?room=1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._server.shutdown()
        self._thread.join(TIMEOUT_S)
        self._server.server_close()

    def next(self) -> Received:
        return self.received.get(timeout=TIMEOUT_S)

    def _on_post(self, request: BaseHTTPRequestHandler) -> None:
        assert request.path == "/hook?room=1"
        body = request.rfile.read(int(request.headers["Content-Length"]))
        behaviour = self._behaviours.pop(0) if self._behaviours else 200
        self.received.put(Received(body, dict(request.headers)))
        if behaviour == "hang":
            self._end.wait(TIMEOUT_S)
        elif behaviour != "drop":
            request.send_response(behaviour)
            request.send_header("Retry-After", "0")
            request.send_header("Content-Length", "0")
            request.end_headers()


def _handler(on_post: Callable[[BaseHTTPRequestHandler], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            on_post(self)

        def log_message(self, *_: object) -> None:  # pytest reads stderr
            pass

    return Handler
