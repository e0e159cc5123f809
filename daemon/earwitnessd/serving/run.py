"""Serves embeddings until it is told to stop, or the cluster is lost."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.engines.remote.wire import to_int16
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models.model import RATE
from earwitnessd.serving.cluster import Cluster, ClusterLostError
from earwitnessd.serving.gate import Gate, Keys
from earwitnessd.serving.wish import ServingError, Wish
from earwitnessd.serving.work import Asked

log = logging.getLogger(__name__)

LOOK_S = 2.0
FIRST_ANSWER_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where daemons come in, and who may."""

    listen: str
    keys: Keys | None

    @classmethod
    def checked(
        cls, listen: str, secret_key: Path | None, clients: Path | None, *, insecure: bool
    ) -> Entrance:
        """`ServingError` if somebody could come in who was not meant to."""
        if not listen.startswith(("tcp://", "ipc://")):
            raise ServingError(f"--listen {listen}: must be tcp://ADDRESS:PORT or ipc://PATH")
        if (secret_key is None) != (clients is None):
            raise ServingError("--secret-key and --clients go together: the gate's key, and who may come in")
        if secret_key and clients:
            return cls(listen, Keys(secret_key, clients))
        if listen.startswith("tcp://") and not insecure:
            raise ServingError(
                f"--listen {listen}: tcp needs --secret-key and --clients (`earwitnessd keys new`), "
                "or --insecure if everybody on the network may read the audio and use the engine"
            )
        return cls(listen, None)


def serve_embeddings(
    address: str | None, wish: Wish, entrance: Entrance, name: str, tell: Callable[[], None]
) -> None:
    """Blocks; `tell` is called when it serves; SIGTERM and SIGINT end it in good order.

    After a `ClusterLostError` a fresh process may try again.
    """
    stopped = threading.Event()
    cluster = Cluster(address, wish, name)
    for number in (signal.SIGTERM, signal.SIGINT):  # Ray has set its own
        signal.signal(number, lambda *_: stopped.set())
    try:
        _serve(cluster, wish, entrance, stopped, tell)
    finally:
        cluster.close()


def _serve(
    cluster: Cluster, wish: Wish, entrance: Entrance, stopped: threading.Event, tell: Callable[[], None]
) -> None:
    speech = to_int16(speech_windows(1, round(wish.window_s * RATE)))
    try:
        first = cluster.compute(Asked(speech, FIRST_ANSWER_WITHIN_S))
    except Exception as error:
        raise ClusterLostError(f"no replica embeds a first window ({type(error).__name__})") from error
    gate = Gate(entrance.listen, first.identity, cluster.compute, entrance.keys, queued=wish.queued)
    try:
        tell()
        log.info("serving %s on %s at %s", first.identity, first.device, gate.address)
        told = ""
        while not stopped.wait(LOOK_S):
            if (says := cluster.look()) != told:
                log.info("%s", says)
                told = says
    finally:
        gate.close()
