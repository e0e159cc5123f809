"""`earwitnessd evaluate`: judge a model on a list of trials, and whole configurations on recordings."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.options import ROOT, TRIALS, UNUSABLE, ConfigOption, ModelOption, SetOption, one_line
from earwitnessd.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from earwitnessd.evaluation.findings import Findings, StreamFindings, TrialFindings
    from earwitnessd.evaluation.replaying import Prepared
    from earwitnessd.settings.root import Settings

FAILED = 1


def evaluate(
    trials: Annotated[
        Path | None,
        typer.Argument(help=TRIALS, show_default=False),
    ] = None,
    root: Annotated[Path | None, typer.Option(help=ROOT, show_default=False)] = None,
    model: ModelOption = None,
    json: Annotated[bool, typer.Option("--json", help="one JSON object instead of a table")] = False,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu or cuda; without it, the settings'", show_default=False)
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="CPU threads; without it, the settings'", show_default=False),
    ] = None,
    streams: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST", help="`audio turns.rttm`: recordings to be replayed", show_default=False
        ),
    ] = None,
    enrolments: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST",
            help="`speaker audio`: who is enrolled for --streams; without it, enrolments.txt beside it",
            show_default=False,
        ),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME: [FILE] KEY=VALUE ...'",
            help="settings to replay --streams with, over --config and --set; repeat it to compare",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="also draw it: .html or .png (needs the extra `report`)",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Judge a model on trials, and what the daemon would say of recordings, on who really spoke.

    TRIALS give error rates (EER, minDCF, misses at false-match rates, Cllr): pooled, per corpus (first
    component of the path) and by net speech. --streams gives times to verify and to notice a change, false
    verifies an hour and missed turns, for each --variant. `earwitnessd simulate` makes such recordings.
    """
    from earwitness.control import ControlError, NoDaemon
    from earwitnessd.calibration import CalibrationError
    from earwitnessd.engines import EmbedError
    from earwitnessd.evaluation.errors import EvaluationError
    from earwitnessd.evaluation.findings import Findings, encode
    from earwitnessd.evaluation.tables import print_tables
    from earwitnessd.models import ModelError
    from earwitnessd.private import PrivateDaemonError
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError

    if trials is None and streams is None:
        _refuse("expected TRIALS with --root, or --streams, or both")
    if trials is not None and root is None:
        _refuse("expected --root with TRIALS: the folder that their paths start from")
    began_s = time.perf_counter()
    options = {"model": model, "engine.device": device, "engine.threads": threads}
    chosen = [
        *(overrides or []),
        *(f"{key}={value}" for key, value in options.items() if value is not None),
    ]
    try:
        write = _writer(report)
        settings = load(config, chosen)
        prepared = _prepare(streams, enrolments, variant or [], config, chosen) if streams else None
        judged = _judge(trials, root, settings) if trials and root else None
        replayed = _replay(prepared) if prepared else None
        findings = Findings(judged, replayed, time.perf_counter() - began_s)
        write(findings)
    except (EvaluationError, CalibrationError, ModelError, EmbedError, SettingsError) as error:
        typer.echo(f"earwitnessd evaluate: {error}", err=True)
        raise typer.Exit(FAILED) from None
    except (PrivateDaemonError, ControlError, NoDaemon) as error:
        typer.echo(f"earwitnessd evaluate: {one_line(error)}", err=True)
        raise typer.Exit(FAILED) from None
    if json:
        sys.stdout.write(encode(findings) + "\n")
    else:
        print_tables(findings)


def _refuse(expected: str) -> None:
    typer.echo(f"earwitnessd evaluate: {expected}", err=True)
    raise typer.Exit(UNUSABLE)


def _writer(report: Path | None) -> Callable[[Findings], None]:
    """Draws the report; what it lacks for that is said before anything is computed."""
    if report is None:
        return lambda _: None
    from earwitnessd.evaluation.report_file import open_report

    return open_report(report)


def _judge(trials: Path, root: Path, settings: Settings) -> TrialFindings:
    """Embed every crop of a list once, and score its trials."""
    import numpy as np

    from earwitnessd.assemble import open_engine
    from earwitnessd.evaluation.calibrated import bars_of, llrs_of
    from earwitnessd.evaluation.embedding import embed_crops
    from earwitnessd.evaluation.findings import TrialFindings
    from earwitnessd.evaluation.report import FALSE_MATCH_RATES, judge, report_on, scores_of
    from earwitnessd.evaluation.speech import hear_crops, quality_of
    from earwitnessd.evaluation.trials import load_trials

    began_s, computing_s = time.perf_counter(), 0.0
    listed = load_trials(trials)
    engine = open_engine(settings, steady=True)
    calibrator = engine.calibrator(settings.decision)

    def embed(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal computing_s
        start_s = time.perf_counter()
        vectors = engine.embedder.embed(windows)
        computing_s += time.perf_counter() - start_s
        return vectors

    with progress("embedding crops") as tick:
        vectors, embedded_s = embed_crops(listed, root, trials, embed, tick)
    with progress("listening for speech") as tick:
        wanted = {crop for each in listed for crop in (each.test, *([each.enrolment] if calibrator else []))}
        heard = hear_crops(wanted, listed, root, trials, settings.speech_gate, tick)
    quality = quality_of(listed, heard)
    scores, calibration = scores_of(listed, vectors), calibrator.calibration if calibrator else None
    llrs = llrs_of(calibrator, listed, vectors, quality) if calibrator else None
    bars = bars_of(calibration, FALSE_MATCH_RATES, settings.decision.target_fnmr) if calibration else None
    judged = judge(listed, scores, llrs, bars)
    report = report_on(
        listed,
        judged,
        quality,
        model=engine.embedder.model_id,
        calibration=calibration.data if calibration else None,
        seconds=time.perf_counter() - began_s,
        rtf=computing_s / embedded_s,
    )
    return TrialFindings(report, judged, np.array([trial.corpus for trial in listed]))


def _prepare(
    streams: Path, enrolments: Path | None, variants: list[str], config: Path | None, chosen: list[str]
) -> Prepared:
    """Everything that can be wrong with the lists and the settings is said before anything is computed."""
    from earwitnessd.evaluation.replaying import Prepared, parse_variants
    from earwitnessd.evaluation.streams import ENROLMENTS, load_enrolments, load_recordings

    return Prepared(
        load_recordings(streams),
        load_enrolments(enrolments or streams.parent / ENROLMENTS),
        parse_variants(variants or ["as set:"], config, chosen),
    )


def _replay(prepared: Prepared) -> StreamFindings:
    """Replay the recordings once with each variant's settings."""
    from earwitnessd.evaluation.findings import StreamFindings, VariantFindings
    from earwitnessd.evaluation.replaying import hear
    from earwitnessd.evaluation.streaming import measure

    recordings, people, variants = prepared.recordings, prepared.enrolments, prepared.variants
    names = frozenset(enrolment.speaker for enrolment in people)
    found = []
    with progress("replaying recordings") as tick:
        for number, each in enumerate(variants):
            done = number * len(recordings)

            def advance(heard: int, before: int = done) -> None:
                tick(before + heard, len(variants) * len(recordings))

            hearsay = hear(each, recordings, people, advance)
            figures = measure(hearsay.recordings, names)
            found.append(
                VariantFindings(each.name, hearsay.model_id, figures, hearsay.recordings, hearsay.refused)
            )
    return StreamFindings(names, tuple(found))
