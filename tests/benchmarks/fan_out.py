"""How long an event takes from `publish` to a hundred subscribers: `python -m tests.benchmarks.fan_out`.

Time stamps of one monotonic clock in both processes. The peer is a bare zmq.PUB in the same run, with as many
subscribers and bytes of the same length.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import zmq
from tests.delivery.station import ROOT, Station

from earwitness.events import StreamGap, decode

PEER = """
import sys, time, zmq
endpoint, per_second, most = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
socket = zmq.Context().socket(zmq.PUB)
socket.bind(endpoint)
print(flush=True)
due = time.monotonic()
while True:
    due += 1 / per_second
    time.sleep(max(0, due - time.monotonic()))
    socket.send_multipart([b"stream.gap.desk", b"%020d" % time.monotonic_ns() + b"x" * 250])
"""


def listen(endpoint: str, subscribers: int, seconds: float, ours: bool) -> list[float]:
    """Milliseconds from the stamp to each subscriber's hands."""
    heard: list[tuple[int, bytes]] = []
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    poller = zmq.Poller()
    for _ in range(subscribers):
        client = context.socket(zmq.SUB)
        client.linger = 0
        client.subscribe(b"stream.gap")
        client.connect(endpoint)
        poller.register(client, zmq.POLLIN)
    begin = time.monotonic() + 1.0  # everybody is there
    while (now := time.monotonic()) < begin + seconds:
        for client, _ in poller.poll(1000):
            body = client.recv_multipart()[1]
            if now >= begin:
                heard.append((time.monotonic_ns(), body))
    context.destroy(linger=0)
    return [(heard_ns - _stamp(body, ours)) / 1e6 for heard_ns, body in heard]


def _stamp(body: bytes, ours: bool) -> int:
    if not ours:
        return int(body[:20])
    event = decode(body)
    assert isinstance(event, StreamGap)
    return event.start


def quantiles(delays_ms: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    ordered = sorted(delays_ms)
    return ordered[len(ordered) // 2], ordered[int(0.99 * len(ordered))]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--subscribers", type=int, default=100)
    options.add_argument("--per-second", type=float, default=30.0)
    options.add_argument("--seconds", type=float, default=15.0)
    given = options.parse_args()
    with Station(per_second=given.per_second) as station:
        ours = listen(station.events, given.subscribers, given.seconds, ours=True)
    folder = tempfile.mkdtemp(prefix="ew-")
    command = [sys.executable, "-c", PEER, f"ipc://{folder}/events", str(given.per_second), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as peer:
        assert peer.stdout is not None
        peer.stdout.readline()
        bare = listen(f"ipc://{folder}/events", given.subscribers, given.seconds, ours=False)
        peer.kill()
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {given.subscribers} subscribers, {given.per_second:g} events/s, ipc"
    )
    for name, delays_ms in (("earwitnessd", ours), ("bare PUB", bare)):
        middle, slow = quantiles(delays_ms)
        print(f"{name:<12} p50 {middle:6.2f} ms   p99 {slow:6.2f} ms   {len(delays_ms)} deliveries")
    print(f"p99 ratio {quantiles(ours)[1] / quantiles(bare)[1]:.2f}")


if __name__ == "__main__":
    main()
