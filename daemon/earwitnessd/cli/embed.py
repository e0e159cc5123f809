"""`earwitnessd embed`: recordings to vectors in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.options import UNUSABLE, ConfigOption, SetOption
from earwitnessd.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from earwitnessd.settings.root import Settings

FAILED = 1


def embed(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="recordings in any format")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the .npy file to write: one row a FILE")],
    model: Annotated[
        str | None,
        typer.Option(
            help="builtin, a directory, an imported or pulled model; default: the settings'",
            show_default=False,
        ),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="each file in one pass, as the model's makers do; not in windows of 3 s"
        ),
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="with --whole: as the network gives it, not of length 1")
    ] = False,
    frames: Annotated[
        bool, typer.Option("--frames", help="of one FILE, what the transformer gives: a row each 20 ms")
    ] = False,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Embed recordings, and write the vectors of length 1 as float32.

    Without --whole, a row is the mean of windows as the daemon hears them.
    """
    import numpy as np

    from earwitnessd.engines import EmbedError
    from earwitnessd.evaluation.errors import EvaluationError
    from earwitnessd.models import ModelError
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError

    if (raw and not whole) or (frames and (len(files) > 1 or raw)):
        typer.echo(
            "earwitnessd embed: --raw goes with --whole; --frames takes one FILE, without --raw", err=True
        )
        raise typer.Exit(UNUSABLE)
    try:
        settings = load(config, [*(overrides or []), *([f"model={model}"] if model else [])])
        vectors = _vectors(settings, files, whole=whole, raw=raw, frames=frames)
        with output.open("wb") as file:
            np.save(file, vectors)
    except (ModelError, EmbedError, EvaluationError, SettingsError, OSError) as error:
        typer.echo(f"earwitnessd embed: {error}", err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(f"{output}: {vectors.shape[0]} rows of {vectors.shape[1]} numbers")


def _vectors(
    settings: Settings, files: list[Path], *, whole: bool, raw: bool, frames: bool
) -> NDArray[np.float32]:
    from earwitnessd.evaluation.recordings import embed_files, heard

    if frames:
        from earwitnessd.engines.plain import PlainNetwork
        from earwitnessd.models import open_model

        model = open_model(settings.model)
        network = PlainNetwork(model, settings.engine.device)
        return (network.frames if model.family.embeds else network.vector)(heard(files[0]))
    compute = _embed(settings, whole=whole, raw=raw)
    with progress("embedding") as tick:
        return embed_files(files, compute, tick)


def _embed(
    settings: Settings, *, whole: bool, raw: bool
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    from earwitnessd.assemble import open_engine
    from earwitnessd.evaluation.recordings import at_once, by_windows

    if raw:
        from earwitnessd.engines import EmbedError
        from earwitnessd.engines.plain import PlainNetwork
        from earwitnessd.models import open_model

        model = open_model(settings.model)
        if not model.family.embeds:
            raise EmbedError(f"{model.name} is {model.family.says}: it gives no embedding; see --frames")
        return PlainNetwork(model, settings.engine.device).vector
    embedder = open_engine(settings, steady=True).embedder
    return at_once(embedder.embed) if whole else by_windows(embedder.embed)
