"""`earwitnessd simulate`: conversations of recorded speakers, with who spoke when."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from earwitnessd.cli.progress import progress

FAILED = 1


class Format(StrEnum):
    """Of the recordings that are written."""

    FLAC = "flac"
    WAV = "wav"


class Gate(StrEnum):
    """What finds the speech in the speakers' recordings."""

    SILERO = "silero"
    ENERGY = "energy"


def simulate(
    speakers: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER...", help="folders that hold a folder of audio a speaker", show_default=False
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="a new folder", show_default=False)],
    recordings: Annotated[int, typer.Option(min=1, help="conversations")] = 10,
    minutes: Annotated[float, typer.Option(min=0.25, max=120, help="length of each")] = 3.0,
    voices: Annotated[int, typer.Option(min=1, help="in each; half of them enrolled")] = 4,
    enrolled: Annotated[int, typer.Option(min=1, help="people, over all; the others are strangers")] = 4,
    enrolment_s: Annotated[float, typer.Option(min=6, max=300, help="speech to enrol each from")] = 20.0,
    overlap: Annotated[float, typer.Option(min=0, max=1, help="turns that begin too early")] = 0.1,
    noise: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="noise, and impulse responses of rooms in rir*/; without it, both are made",
            show_default=False,
        ),
    ] = None,
    snr_db: Annotated[tuple[float, float], typer.Option(metavar="LOW HIGH", help="speech over noise")] = (
        10.0,
        30.0,
    ),
    reverberant: Annotated[float, typer.Option(min=0, max=1, help="recordings made in a room")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="the same seed, the same samples")] = 1,
    form: Annotated[Format, typer.Option("--format", help="of the recordings")] = Format.FLAC,
    gate: Annotated[Gate, typer.Option(help="what finds speech in the sources")] = Gate.SILERO,
) -> None:
    """Build recordings with speaker turns from folders of speakers, for `earwitnessd evaluate --streams`.

    Writes recordings/ with an RTTM file each (who speaks when), enrolments/ (of the same speakers, nothing of
    which is in the recordings), streams.txt, enrolments.txt, and simulation.json, which says how it was made.
    """
    from earwitnessd.corpora.errors import CorpusError
    from earwitnessd.corpora.surroundings import Surroundings, load_surroundings
    from earwitnessd.evaluation.errors import EvaluationError
    from earwitnessd.settings.speech_gate import SpeechGateSettings
    from earwitnessd.simulation.conversation import Manners
    from earwitnessd.simulation.errors import SimulationError
    from earwitnessd.simulation.making import STREAMS, Order, make
    from earwitnessd.simulation.voices import find_folders

    order = Order(
        recordings=recordings,
        manners=Manners(60 * minutes, overlap, reverberant, snr_db),
        voices=voices,
        enrolled=enrolled,
        enrolment_s=enrolment_s,
        seed=seed,
        suffix=f".{form}",
        gate=SpeechGateSettings(type=gate.value),
    )
    try:
        surroundings = load_surroundings(noise) if noise else Surroundings()
        with progress("simulating") as tick:
            make(find_folders(speakers), surroundings, order, output, tick)
    except (SimulationError, CorpusError, EvaluationError, OSError) as error:
        typer.echo(f"earwitnessd simulate: {error}", err=True)
        raise typer.Exit(FAILED) from None
    print(f"{recordings} recordings: earwitnessd evaluate --streams {output / STREAMS}")
