"""A hub on this machine: a real HTTP server with the little of the protocol that a pull needs."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(eq=False)
class Hub:
    """One repository, and what was asked of it."""

    name: str
    files: Path
    card: dict[str, Any] = field(default_factory=dict)
    breaks_once: str | None = None
    # this file breaks off in the middle, and is not to be had after that until this is None
    etag: str | None = None
    # says it of all files; None: it says each one's SHA-256
    ranges: list[str] = field(default_factory=list)
    # what was asked of files that were not asked for from their beginning
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def environ(self, models: Path) -> dict[str, str]:
        return {
            "HF_ENDPOINT": self.url,
            "EARWITNESS_MODELS": str(models),
            "HF_HOME": str(models.parent / "hf"),
        }


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Run the hub until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            hub.requests.append(f"{self.command} {self.path}")
            path = self.path.split("?")[0]
            for revision in ("main", COMMIT):
                if path == f"/api/models/{hub.name}/revision/{revision}":
                    return self._send(json.dumps(self._info()).encode(), {}, body)
            resolve = f"/{hub.name}/resolve/{COMMIT}/"
            file = hub.files / path.removeprefix(resolve)
            if path.startswith(resolve) and file.is_file():
                sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
                headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hub.etag or sha256}"'}
                if body and file.name == hub.breaks_once:
                    return self._break_once(file, headers)
                if body and (asked := self.headers.get("Range")):
                    return self._send_rest(file.read_bytes(), headers, asked)
                return self._send(file.read_bytes(), headers, body)
            known = path.startswith((f"/api/models/{hub.name}/", f"/{hub.name}/"))
            return self._refuse("RevisionNotFound" if known else "RepoNotFound")

        def _info(self) -> dict[str, Any]:
            return {
                "id": hub.name,
                "modelId": hub.name,
                "sha": COMMIT,
                "private": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "cardData": hub.card,
                "siblings": [{"rfilename": path.name} for path in hub.files.iterdir()],
            }

        def _send(
            self, content: bytes, headers: dict[str, str], body: bool, *, breaks_off: bool = False
        ) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(len(content)))
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            if body:
                self.wfile.write(content[: len(content) // 2] if breaks_off else content)

        def _send_rest(self, content: bytes, headers: dict[str, str], asked: str) -> None:
            hub.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content[start:])

        def _break_once(self, file: Path, headers: dict[str, str]) -> None:
            if self.headers.get("Range"):
                return self._refuse("", HTTPStatus.INTERNAL_SERVER_ERROR)
            return self._send(file.read_bytes(), headers, body=True, breaks_off=True)

        def _refuse(self, code: str, status: HTTPStatus = HTTPStatus.NOT_FOUND) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Requests are recorded, not printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()
