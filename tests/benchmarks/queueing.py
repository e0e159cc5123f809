"""Compares the queue that `earwitnessd plan` simulates with a daemon at the same numbers of streams.

    python tests/benchmarks/queueing.py --streams 4,16,32 --seconds 20

The daemon hears speech without pauses in real time. Its latency is taken from the moment when a window's last
block leaves the capture process to its embedding, less the shortest time that any block took on its way; the
simulation's likewise: blocks of at most a quarter of a second, heard one after the other, all that have come
before anything is embedded, and batches that take as long as single ones were measured to. Leave the machine
idle meanwhile: that others take a core away while audio is on its way is not in the simulation.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from earwitnessd.bench import pipeline, speech
from earwitnessd.bench.station import Setup, station
from earwitnessd.sizing.figures import Figures
from earwitnessd.sizing.measuring import measure
from earwitnessd.sizing.planning import Wish, simulated, thread_share
from earwitnessd.sizing.queueing import Service, Waited


@dataclass(frozen=True, slots=True)
class Compared:
    """The same number of streams, seen and foretold."""

    streams: int
    seen: pipeline.Load
    told: Waited


def compare(streams: list[int], seconds: float) -> tuple[Figures, list[Compared]]:
    """Measure what plans are made from, then each number of streams."""
    setup = Setup(model="builtin", recordings=speech.recordings(None, pauses=False), streams=4)
    console = Console(stderr=True)
    figures = measure(setup, seconds, lambda what: console.print(what, style="dim"))
    service = Service(figures.batches, figures.spread)
    rows = []
    with station(replace(setup, streams=max(streams))) as running:
        for count in streams:
            console.print(f"{count} streams", style="dim")
            seen = pipeline.load(running, count, seconds, lambda _: None)
            wish = Wish(streams=count)
            told = simulated(wish, count, service, thread_share(figures, wish.hop_s, count))
            rows.append(Compared(count, seen, told))
    return figures, rows


def main() -> None:
    """Print both side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--streams", default="4,16,32")
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    figures, rows = compare([int(part) for part in arguments.streams.split(",")], arguments.seconds)
    table = Table(title=f"{figures.model}, {figures.device}; {figures.machine}")
    for heading in (
        "streams",
        "busy seen",
        "told",
        "p50 ms seen",
        "told",
        "p99 ms seen",
        "told",
        "skipped seen",
        "told",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            f"{row.streams}",
            f"{row.seen.busy:.0%}",
            f"{row.told.busy:.0%}",
            f"{row.seen.wait_p50_ms:.0f}",
            f"{row.told.p50_ms:.0f}",
            f"{row.seen.wait_p99_ms:.0f}",
            f"{row.told.p99_ms:.0f}",
            f"{row.seen.skipped}",
            f"{row.told.skipped}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
