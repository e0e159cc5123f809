"""How many streams a core carries, and how many a GPU, with no window skipped and no audio lost.

    python tests/benchmarks/streams_per_core.py --cores 1,2 --seconds 15
    python tests/benchmarks/streams_per_core.py --cores 1 --model random-base --most 16

Each row is `earwitnessd bench pipeline` in a process that may use so many cores: daemon, capture processes
and model share them, with as many threads as the daemon chooses, and everybody speaks without a pause, which
hardly happens. With CUDA there is a row more, where the model is on the GPU and the rest on all cores. Leave
the machine idle meanwhile; its load is told.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import torch
from rich.console import Console
from rich.table import Table

from earwitnessd.bench.pipeline import Load, PipelineReport

NO_GPU = "no CUDA device: not measured"


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of hardware."""

    what: str
    cores: int
    report: PipelineReport | None
    # None: it is not here

    @property
    def most(self) -> Load | None:
        """The most streams that all was well with."""
        well = [load for load in self.report.rows if load.sustained] if self.report else []
        return max(well, key=lambda load: load.streams, default=None)


def measured(arguments: argparse.Namespace, cores: Sequence[int], device: str) -> PipelineReport:
    """By the command, on these cores."""
    command = [sys.executable, "-m", "earwitnessd", "bench", "pipeline", "--json", "--device", device]
    command += ["--streams", str(arguments.begin), "--most-streams", str(arguments.most)]
    command += ["--seconds", str(arguments.seconds), "--model", arguments.model]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=partial(os.sched_setaffinity, 0, cores),
    )
    return msgspec.json.decode(done.stdout, type=PipelineReport)


def rows(arguments: argparse.Namespace) -> Iterator[Row]:
    """Cores first, then the GPU."""
    ours = sorted(os.sched_getaffinity(0))
    for count in (int(part) for part in arguments.cores.split(",")):
        what = f"{count} core{'s' if count > 1 else ''}"
        yield Row(what, count, measured(arguments, ours[:count], "cpu") if count <= len(ours) else None)
    yield Row("1 GPU", len(ours), measured(arguments, ours, "cuda") if _cuda() else None)


def _cuda() -> bool:
    return torch.cuda.is_available()


def shown(found: Sequence[Row]) -> Table:
    """For people."""
    reports = [row.report for row in found if row.report]
    told = f"{reports[0].model}, {reports[0].machine}" if reports else "nothing was measured"
    table = Table(title=told)
    for heading in ("on", "streams", "a core", "model busy", "p50 ms", "p99 ms", "the next step fails by"):
        table.add_column(heading, justify="right")
    for row in found:
        most = row.most
        if row.report is None:
            table.add_row(row.what, NO_GPU if "GPU" in row.what else "not that many here", *[""] * 5)
        elif most is None:
            table.add_row(row.what, "none without a loss", *[""] * 5)
        else:
            each = f"{most.streams / row.cores:.0f}" if "core" in row.what else ""
            times = (f"{most.busy:.0%}", f"{most.p50_ms:.0f}", f"{most.p99_ms:.0f}")
            more = "" if row.report.sustained_all else _failed(row.report, most.streams)
            table.add_row(row.what, f"{'' if more else 'at least '}{most.streams}", each, *times, more)
    return table


def _failed(report: PipelineReport, streams: int) -> str:
    beyond = [load for load in report.rows if load.streams > streams and not load.sustained]
    first = min(beyond, key=lambda load: load.streams)
    return f"{first.streams}: {first.skipped} windows, {first.lost_s:.1f} s of audio"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cores", default="1,2")
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--begin", type=int, default=16)
    parser.add_argument("--most", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=15.0)
    Console(width=120).print(shown(list(rows(parser.parse_args()))))


if __name__ == "__main__":
    main()
