"""How long embeddings take by way of Ray Serve, beside this machine's own engine and other ways there.

Run it with `python -m tests.benchmarks.remote_engines`; it needs the extra `ray`, and half a minute.

First a Ray Serve application that computes nothing, asked by its own HTTP proxy (one connection, kept alive)
and by the gate of `earwitnessd serve-embeddings`; then the built-in model in this process and behind that
gate, with one replica, one core each.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
from tests.ports import free_port
from tests.serving.cluster import Head, Serving

from earwitnessd.engines import open_embedder
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.remote.first import Terms
from earwitnessd.engines.remote.link import Link, Place, Tally
from earwitnessd.engines.remote.opening import open_remote
from earwitnessd.engines.remote.wire import Identity, from_int16, to_int16
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model
from earwitnessd.serving.cluster import prepare_environment
from earwitnessd.serving.gate import Gate
from earwitnessd.serving.work import Answered, Asked

LENGTH = 3 * 16_000
BATCHES = (1, 8)
FULL = 64
# windows, the most a daemon embeds at once: eight requests at the same time
WARM = 20
NOBODY = Identity(model_id="nobody", weights="0" * 64)


def compare(count: int, rounds: int, ways: dict[str, Callable[[], object]]) -> None:
    """In turn, so that whatever else the machine does is the same for all; the last one is 1."""
    taken_ms: dict[str, list[float]] = {what: [] for what in ways}
    for number in range(WARM + rounds):
        for what, ask in ways.items():
            began_s = time.perf_counter()
            ask()
            if number >= WARM:
                taken_ms[what].append(1000 * (time.perf_counter() - began_s))
    against = statistics.median(list(taken_ms.values())[-1])
    for what, each in taken_ms.items():
        show(what, count, statistics.median(each), float(np.percentile(each, 99)), against)


def show(what: str, count: int, p50: float, p99: float, against: float) -> None:
    print(
        f"{what:<44} {count:>2} windows  p50 {p50:7.2f}  p99 {p99:7.2f} ms  x {p50 / against:.2f}", flush=True
    )


def ways(rounds: int) -> None:
    """In a process of its own, which is Ray's driver."""
    prepare_environment(os.environ)
    import ray  # noqa: PLC0415 - the extra
    from ray import serve  # noqa: PLC0415
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import Response  # noqa: PLC0415

    class Echo:
        async def embed(self, asked: Asked) -> Answered:
            return Answered(np.zeros((len(asked.samples), 128), np.float32), NOBODY, "nothing")

        async def __call__(self, request: Request) -> Response:
            body = await request.body()
            return Response(bytes(4 * 128 * (len(body) // (2 * LENGTH))))

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    port = free_port()
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    deployment = serve.deployment(Echo, ray_actor_options={"num_cpus": 0.5})
    handle = serve.run(deployment.bind(), name="echo", route_prefix="/")  # type: ignore[attr-defined]

    def compute(asked: Asked) -> Answered:
        answered: Answered = handle.embed.remote(asked).result(timeout_s=asked.within_s)
        return answered

    gate = Gate("tcp://127.0.0.1:*", NOBODY, compute)
    command = [sys.executable, "-m", "tests.benchmarks.remote_engines", "--rounds", str(rounds)]
    subprocess.run([*command, "--clients-of", gate.address, str(port)], check=True)
    gate.close()
    ray.shutdown()


def clients_of(gate: str, port: int, rounds: int) -> None:
    """HTTP and the gate, in turn, twice."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with closing(Link(Place([gate], None, 8, 8), NOBODY, Tally())) as link:
        link.wait_until_up(10.0)
        for count in BATCHES:
            samples = np.zeros((count, LENGTH), np.int16)

            def by_http(samples: np.ndarray[tuple[int, ...], np.dtype[np.int16]] = samples) -> None:
                connection.request("POST", "/", samples.tobytes())
                connection.getresponse().read()

            def by_gate(samples: np.ndarray[tuple[int, ...], np.dtype[np.int16]] = samples) -> None:
                assert link.ask(samples, 10.0)[1] == ""

            compare(count, rounds, {"Serve's HTTP, kept alive": by_http, "the gate": by_gate})
        samples = np.zeros((FULL, LENGTH), np.int16)
        compare(FULL, rounds, {"the gate, eight requests at once": partial(link.ask, samples, 10.0)})


def work(rounds: int) -> None:
    """Local and remote, in turn."""
    model = open_model("builtin")
    local = open_embedder(model, "cpu", 1)
    with closing(Head()) as head:
        head.start()
        with closing(Serving(head)) as serving:
            serving.wait_until_serving()
            place = Place([serving.address], None, 8, 8)
            remote = open_remote(model, local, place, Terms(deadline_s=10.0))
            remote.warm_up(LENGTH, 1)
            for count in BATCHES:
                heard = from_int16(to_int16(speech_windows(count, LENGTH)))
                compare(
                    count,
                    rounds,
                    {
                        "the model by the gate and Ray": partial(remote.embed_in_time, heard),
                        "the model in this process": partial(local.embed, heard),
                    },
                )
                away = difference(remote.embed(heard), local.embed(heard))
                print(f"  off by {away.relative:.1e} of a component, 1 - cosine {away.one_minus_cosine:.1e}")
            told = remote.figures()
            print(f"windows there {told.remote}, here instead {told.local}, dropped {told.dropped}")
            serving.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--clients-of", nargs=2, metavar=("GATE", "PORT"), help=argparse.SUPPRESS)
    parser.add_argument("--ways", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.clients_of:
        clients_of(given.clients_of[0], int(given.clients_of[1]), given.rounds)
    elif given.ways:
        ways(given.rounds)
    else:
        print(f"{time.strftime('%Y-%m-%d')}, {given.rounds} rounds in turn; x: times the p50 below")
        command = [sys.executable, "-m", "tests.benchmarks.remote_engines", "--rounds", str(given.rounds)]
        subprocess.run([*command, "--ways"], check=True, cwd=Path(__file__).parents[2])
        work(given.rounds)


if __name__ == "__main__":
    main()
