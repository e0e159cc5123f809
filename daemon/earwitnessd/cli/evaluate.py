"""`earwitnessd evaluate`: judge a model on a list of trials."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from earwitnessd.evaluation.report import Report, Summary


def evaluate(
    trials: Annotated[
        Path, typer.Argument(help="`label path path` or `label path start dur path start dur`")
    ],
    root: Annotated[Path, typer.Option(help="folder that the paths start from")],
    model: Annotated[str, typer.Option(help="builtin, a directory or a hub name")] = "builtin",
    json: Annotated[bool, typer.Option("--json", help="one JSON object instead of a table")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(help="CPU threads, 0: as many as torch likes")] = 0,
) -> None:
    """Print EER and minDCF of a model, pooled and per corpus (first component of the path)."""
    import msgspec
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console
    from rich.progress import Progress

    from earwitnessd.engines import EmbedError, open_embedder
    from earwitnessd.evaluation.embedding import embed_crops
    from earwitnessd.evaluation.errors import EvaluationError
    from earwitnessd.evaluation.report import report_on, scores_of
    from earwitnessd.evaluation.trials import load_trials
    from earwitnessd.models import ModelError, open_model

    began, computing_s = time.perf_counter(), 0.0
    errors = Console(stderr=True)
    try:
        listed = load_trials(trials)
        opened = open_model(model)
        embedder = open_embedder(opened, device=device, threads=threads)

        def embed(windows: NDArray[np.float32]) -> NDArray[np.float32]:
            nonlocal computing_s
            start = time.perf_counter()
            vectors = embedder.embed(windows)
            computing_s += time.perf_counter() - start
            return vectors

        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
            task = bar.add_task("embedding crops")
            vectors, embedded_s = embed_crops(
                listed, root, trials, embed, lambda done, total: bar.update(task, completed=done, total=total)
            )
    except (EvaluationError, ModelError, EmbedError) as error:
        typer.echo(f"earwitnessd evaluate: {error}", err=True)
        raise typer.Exit(1) from None
    seconds = time.perf_counter() - began
    report = report_on(listed, scores_of(listed, vectors), opened.model_id, seconds, computing_s / embedded_s)
    if json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    else:
        _print_table(report)


def _print_table(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{report.model}, {report.seconds:.0f} s, RTF {report.rtf:.4f}")
    for column in ("", "trials", "EER %", "minDCF(0.01)", "minDCF(0.05)"):
        table.add_column(column, justify="left" if not column else "right")
    rows: dict[str, Summary | Report] = {"pooled": report, **report.corpora}
    for name, row in rows.items():
        costs = row.min_dcf or {}
        eer = "-" if row.eer is None else f"{100 * row.eer:.1f}"
        table.add_row(
            name, str(row.trials), eer, *(f"{costs[p]:.2f}" if p in costs else "-" for p in ("0.01", "0.05"))
        )
    Console().print(table)
