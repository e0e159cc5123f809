"""An engine in a process of its own, for a device that this process can no longer use, or that may hang."""

from __future__ import annotations

import multiprocessing
import signal
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from earwitnessd.engines import Embedder, EmbedError, Vectors, Windows
from earwitnessd.engines.returning import TROUBLE

OPENED_WITHIN_S = 300.0
ANSWERED_WITHIN_S = 30.0
_ENDED_WITHIN_S = 10.0


class Apart:
    """The engine thread's side; the process ends with this object, and with the daemon."""

    def __init__(
        self,
        open_there: Callable[[], Embedder],
        opened_within_s: float = OPENED_WITHIN_S,
        answered_within_s: float = ANSWERED_WITHIN_S,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._link, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, open_there), name="engine", daemon=True)
        process.start()
        theirs.close()
        self._process = process
        self._end = weakref.finalize(self, _end, process, self._link)
        self._answered_within_s = answered_within_s
        self.model_id, self.device = self._answer(opened_within_s)

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid

    def embed(self, windows: Windows) -> Vectors:
        """As the engine there does it."""
        vectors: Vectors = self._ask("embed", windows)
        return vectors

    def warm_up(self, window_samples: int, batch: int) -> None:
        """As the engine there does it."""
        self._ask("warm_up", window_samples, batch)

    def _ask(self, method: str, *arguments: Any) -> Any:
        try:
            self._link.send((method, arguments))
        except OSError as error:
            raise RuntimeError(f"the engine's process is gone ({error})") from error
        return self._answer(self._answered_within_s)

    def _answer(self, within_s: float) -> Any:
        """What it gave; after a silence it is ended, so that no late answer is taken for another."""
        try:
            answered = self._link.poll(within_s)
            answer = self._link.recv() if answered else None
        except (EOFError, OSError) as error:
            self._end()
            raise RuntimeError("the engine's process ended") from error
        if not answered:
            self._end()
            raise RuntimeError(f"the engine's process did not answer within {within_s:g} s")
        if isinstance(answer, Exception):
            raise answer
        return answer


def _end(process: BaseProcess, link: Connection[Any, Any]) -> None:
    link.close()
    process.kill()
    process.join(_ENDED_WITHIN_S)


def _serve(link: Connection[Any, Any], open_here: Callable[[], Embedder]) -> None:
    """In the process: until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the daemon's to obey
    try:
        embedder = open_here()
    except TROUBLE as error:
        link.send(_plain(error))
        return
    link.send((embedder.model_id, f"{embedder.device}, in a process of its own"))
    while True:
        try:
            method, arguments = link.recv()
        except EOFError:
            return
        try:
            answer = getattr(embedder, method)(*arguments)
        except TROUBLE as error:
            answer = _plain(error)
        link.send(answer)


def _plain(error: Exception) -> Exception:
    """Without what only the process itself can hold."""
    return EmbedError(str(error)) if isinstance(error, EmbedError) else RuntimeError(str(error))
