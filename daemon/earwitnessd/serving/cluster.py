"""The connection to Ray: joins a cluster or makes one of this machine, deploys, and asks replicas."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from earwitnessd.serving.gate import BusyError
from earwitnessd.serving.wish import ServingError, Wish
from earwitnessd.serving.work import Answered, Asked

log = logging.getLogger(__name__)

ATTEMPTS = 2
# at a request whose replica dies: another one may have the answer in time
TOLD_WITHIN_S = 10.0
# a cluster that says nothing for so long is lost
SHUT_DOWN_WITHIN_S = 15.0
REACHED_WITHIN_S = 5.0


class ClusterLostError(Exception):
    """The cluster is no more, or does not have our application any more."""


class Cluster:
    """Made and closed by the main thread; `compute` may be called from any."""

    def __init__(self, address: str | None, wish: Wish, name: str) -> None:
        prepare_environment(os.environ)
        try:
            import ray  # noqa: PLC0415 - half a gigabyte that only who serves embeddings has
            from ray import serve  # noqa: PLC0415
        except ImportError as error:
            raise ServingError(
                f"Ray Serve is not installed ({error}): pip install 'earwitness[daemon,ray]'"
            ) from None
        self._ray, self._serve = ray, serve
        self._own = address is None
        self._name = name
        self._aside = ThreadPoolExecutor(1, "ray")
        # Ray may keep whoever asks it waiting
        self._connect(address, wish)
        self._handle = self._deploy(wish)

    def _connect(self, address: str | None, wish: Wish) -> None:
        if address and ":" in address:
            check_reachable(address)
        options: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
        try:
            self._ray.init(log_to_driver=False, namespace="earwitness", **options)
        except Exception as error:
            where = f"the cluster at {address}" if address else "a Ray of this machine's own"
            raise ServingError(f"{where} cannot be reached or started: {last_line(error)}") from error
        there: dict[str, float] = self._ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray's
        if there.get("GPU", 0.0) < wish.gpus * wish.replicas.least:
            says = f"{wish.replicas.least} replicas with {wish.gpus:g} GPUs each: the cluster has "
            says += f"{there.get('GPU', 0.0):g} GPUs"
            if self._own:
                self.close()
                raise ServingError(f"{says}; use --gpus-per-replica 0 to compute on CPUs")
            log.warning("%s; waiting for more", says)

    def _deploy(self, wish: Wish) -> Any:
        from earwitnessd.serving.application import deploy  # noqa: PLC0415 - imports Ray

        try:
            self._serve.start(proxy_location="Disabled")
            return deploy(wish, self._name)
        except Exception as error:
            reason = self._why() or last_line(error)
            self.close()
            raise ServingError(f"the application {self._name} does not start: {reason}") from error

    def compute(self, asked: Asked) -> Answered:
        """By some replica. TimeoutError, `BusyError`, or what Ray raises."""
        until_s = time.monotonic() + asked.within_s
        for attempt in range(1, ATTEMPTS + 1):
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                break
            response = self._handle.embed.remote(Asked(asked.samples, left_s))
            try:
                answered: Answered = response.result(timeout_s=left_s)
            except TimeoutError:
                response.cancel()
                raise
            except self._serve.exceptions.BackPressureError as error:
                raise BusyError("too many requests wait for a replica") from error
            except self._ray.exceptions.RayActorError:
                if attempt == ATTEMPTS:
                    raise
                log.warning("a replica died with a request: another one is asked")
            else:
                return answered
        raise TimeoutError

    def look(self) -> str:
        """What the application does at present, for people; `ClusterLostError` if there is none."""
        asked: Future[Any] = self._aside.submit(self._serve.status)
        try:
            applications = asked.result(TOLD_WITHIN_S).applications
        except Exception as error:
            raise ClusterLostError(f"it does not answer ({last_line(error)})") from error
        if self._name not in applications:
            raise ClusterLostError(f"the application {self._name} is gone")
        found = applications[self._name]
        counts = [
            f"{count} {state.lower()}"
            for deployment in found.deployments.values()
            for state, count in deployment.replica_states.items()
        ]
        return f"{found.status.value.lower()}, replicas: {', '.join(counts) or 'none'}"

    def close(self) -> None:
        """Take the application away, and a Ray that was ours."""
        with_a_limit = ThreadPoolExecutor(1, "ray-end")
        try:
            with_a_limit.submit(self._end).result(SHUT_DOWN_WITHIN_S)
        except Exception as error:  # noqa: BLE001 - it is over either way
            log.warning("Ray did not end in good order: %s", last_line(error))
        with_a_limit.shutdown(wait=False)
        self._aside.shutdown(wait=False)

    def _end(self) -> None:
        if not self._own:
            self._serve.delete(self._name)
        self._ray.shutdown()  # and what is ours

    def _why(self) -> str:
        """What Serve says of an application that did not start: the last lines of its traceback."""
        try:
            found = self._serve.status().applications[self._name]
        except Exception:  # noqa: BLE001 - then there is nothing to say
            return ""
        told = [deployment.message for deployment in found.deployments.values()] or [found.message]
        lines = [line.strip() for message in told for line in message.splitlines() if "Error:" in line]
        return lines[-1] if lines else ""


def check_reachable(address: str) -> None:
    """`ServingError` if nobody listens there: Ray would try for a minute and a half."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), REACHED_WITHIN_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ServingError(
            f"--address {address}: no Ray head there ({error}); expected HOST:PORT as `ray start --head` says"
        ) from None


def prepare_environment(environ: MutableMapping[str, str]) -> None:
    """Before Ray is imported: nothing is reported home, and a token that is there is shown."""
    environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "RAY_AUTH_MODE" not in environ and _has_token(environ):
        environ["RAY_AUTH_MODE"] = "token"


def _has_token(environ: Mapping[str, str]) -> bool:
    if environ.get("RAY_AUTH_TOKEN") or environ.get("RAY_AUTH_TOKEN_PATH"):
        return True
    try:
        return (Path.home() / ".ray" / "auth_token").is_file()
    except (OSError, RuntimeError):  # no home
        return False


def last_line(error: BaseException) -> str:
    """Of what Ray says: the cause stands below the tracebacks."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else repr(error)
