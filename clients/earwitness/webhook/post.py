"""One HTTP POST at a time, each over a connection of its own, with a time limit."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from urllib.parse import urlsplit

from .schedule import Answer


class Target:
    """Where to post to; owned by one thread, but `abort` may come from its signal handlers."""

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        fit = url.isascii() and url.isprintable() and " " not in url
        if parts.scheme not in ("http", "https") or not parts.hostname or not fit:
            raise ValueError(f"{url!r} is no URL to post to: https://HOST/PATH")
        if parts.username is not None:
            raise ValueError("a password in the URL shows in the process list; use --secret-file")
        self.url = url
        self._host, self._port = parts.hostname, parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def post(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Send it, and say what came of it; redirects are not followed."""
        self._connection = self._connect()
        try:
            self._connection.request("POST", self._path, body, {**headers, "Connection": "close"})
            if self._aborted:
                return Answer(status=None, reason="interrupted")
            response = self._connection.getresponse()
            return Answer(
                status=response.status,
                reason=response.reason,
                retry_after_s=_seconds(response.headers.get("Retry-After", "")),
            )
        except TimeoutError:
            return Answer(status=None, reason=f"no answer within {self._timeout_s:g} s")
        except (OSError, http.client.HTTPException) as error:
            return Answer(status=None, reason=str(error) or type(error).__name__)
        finally:
            self._connection.close()
            self._connection = None

    def abort(self) -> None:
        """Do not wait for the answer that is awaited."""
        self._aborted = True
        with contextlib.suppress(OSError, AttributeError):
            if self._connection is not None:
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._tls)


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
