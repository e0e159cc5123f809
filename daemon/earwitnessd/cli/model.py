"""`earwitnessd model`: fetch models, take in checkpoints, and look at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from earwitnessd.cli.model_shelf import list_command, remove_command, verify_command
from earwitnessd.cli.progress import Advance, progress

if TYPE_CHECKING:
    from earwitnessd.models import Model
    from earwitnessd.models.downloading import Report
    from earwitnessd.models.importing import Convert
    from earwitnessd.models.record import Record

app = typer.Typer(help="Fetch models, take in checkpoints, and look at them.", no_args_is_help=True)
app.command("list")(list_command)

Name = Annotated[str, typer.Argument(help="org/name on the hub, such as microsoft/wavlm-base-plus-sv")]
To = Annotated[
    Path | None,
    typer.Option("--to", help="the model's own directory; default: among this machine's pulled models"),
]
Revision = Annotated[str, typer.Option(help="branch, tag or commit")]
HubFile = Annotated[
    str | None,
    typer.Option(
        "--file",
        help="a checkpoint in the repository that is not in transformers' layout: it is imported",
        show_default=False,
    ),
]
Offline = Annotated[
    bool,
    typer.Option(
        "--offline", help="Fetch nothing: take what lies in the Hugging Face cache on this machine."
    ),
]
AnyName = Annotated[str, typer.Argument(help='"builtin", a directory, or org/name of a pulled model')]
Called = Annotated[
    str | None,
    typer.Option("--name", help="what it is called here; default: as the file", show_default=False),
]
Backbone = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="the WavLM that a head was trained on: says its settings, and its weights if FILE has none",
        show_default=False,
    ),
]
Assume = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="what the file does not say, as in config.json: max_bucket_distance=1280",
        show_default=False,
    ),
]


@app.command("pull")
def pull_command(
    name: Name, to: To = None, revision: Revision = "main", file: HubFile = None, offline: Offline = False
) -> None:
    """Fetch a model, convert it to safetensors, and record its revision and SHA-256.

    Where an earlier download broke off it goes on. Without a network (--offline, or HF_HUB_OFFLINE=1) it
    takes what other programs have fetched into the Hugging Face cache.
    """
    from earwitnessd.cli.model_pages import described
    from earwitnessd.engines import EmbedError
    from earwitnessd.engines.checkpoint import convert
    from earwitnessd.models import ModelError
    from earwitnessd.models.pull import pull

    try:
        if file:
            _pull_file(name, file, revision, to, offline=offline)
            return
        with progress(f"fetching {name}") as advance:
            model = pull(
                name, convert=convert, to=to, revision=revision, offline=offline, report=_bar(advance)
            )
    except (ModelError, EmbedError) as error:
        fail(error)
    typer.echo(described(model))


@app.command("import")
def import_command(
    file: Annotated[
        Path, typer.Argument(help="a checkpoint of torch, safetensors, or a folder of transformers")
    ],
    name: Called = None,
    backbone: Backbone = None,
    assume: Assume = None,
) -> None:
    """Recognise a WavLM checkpoint, convert it once, and try it. One that fails is not taken in.

    Known are transformers' WavLMForXVector, WavLMForAudioFrameClassification and WavLMModel, Microsoft's
    original WavLM, WavLM with ECAPA-TDNN (UniSpeech), and WavLM joined with RawNet.
    """
    from functools import partial

    from earwitnessd.engines import EmbedError
    from earwitnessd.engines.families import convert_checkpoint
    from earwitnessd.models import ModelError
    from earwitnessd.models.record import Record

    try:
        convert = partial(convert_checkpoint, assume=_assumed(assume or []), backbone=backbone)
        _import(file, convert, name, Record())
    except (ModelError, EmbedError) as error:
        fail(error)


@app.command("show")
def show_command(name: AnyName = "builtin") -> None:
    """Verify a model's files and say which model it is."""
    from earwitnessd.cli.model_pages import described
    from earwitnessd.models import ModelError, open_model

    try:
        model = open_model(name)
        typer.echo(described(model))
    except ModelError as error:
        fail(error)


app.command("verify")(verify_command)
app.command("rm")(remove_command)


def fail(error: Exception) -> NoReturn:
    """Say what is wrong, and end."""
    typer.echo(f"earwitnessd: {error}", err=True)
    raise typer.Exit(1) from error


def _pull_file(name: str, file: str, revision: str, to: Path | None, *, offline: bool) -> None:
    from functools import partial

    from earwitnessd.engines.families import convert_checkpoint
    from earwitnessd.models import ModelError
    from earwitnessd.models.places import pulled_directory
    from earwitnessd.models.pull import fetched
    from earwitnessd.models.record import Record

    if to or offline:
        raise ModelError(
            f"--file does not go with {'--to' if to else '--offline'}: fetch {file}, then import it"
        )
    with (
        progress(f"fetching {file}") as advance,
        fetched(name, file, revision=revision, target=pulled_directory(name), report=_bar(advance)) as (
            checkpoint,
            listing,
        ),
    ):
        hub = Record(revision=listing.commit, licence=listing.licence)
        _import(checkpoint, partial(convert_checkpoint, assume={}), name, hub)


def _bar(advance: Advance) -> Report:
    return lambda _file, here, of: advance(here, of)


def _import(source: Path, convert: Convert, name: str | None, hub: Record) -> None:
    from earwitnessd.cli.model_pages import described
    from earwitnessd.models.importing import import_model

    said = list[str]()
    model, record = import_model(
        source, convert=convert, name=name, hub=hub, trial=lambda found: said.append(_tried(found))
    )
    typer.echo(f"recognised {record.family}")
    typer.echo(described(model))
    typer.echo(said[0])


def _assumed(said: list[str]) -> dict[str, Any]:
    import json

    from earwitnessd.models import ModelError

    values = dict[str, Any]()
    for each in said:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise ModelError(f"--assume {each}: expected KEY=VALUE, such as max_bucket_distance=800")
        try:
            values[key] = json.loads(value)
        except ValueError:
            values[key] = value
    return values


def _tried(model: Model) -> str:
    """What it can do on this machine; embeddings that cannot be relied on are a failure."""
    import numpy as np

    from earwitnessd.engines import EmbedError, open_embedder
    from earwitnessd.engines.trying import try_out
    from earwitnessd.models.model import RATE
    from earwitnessd.settings.root import Windows

    if model.family.embeds:
        embedder = open_embedder(model)
        compute, where = embedder.embed, embedder.device
    else:
        from earwitnessd.engines.plain import PlainNetwork

        network = PlainNetwork(model)
        compute, where = (lambda windows: np.stack([network.vector(each) for each in windows])), "cpu"
    windows = Windows()
    tried = try_out(compute, round(windows.length_s * RATE), windows.hop_s)
    if not tried.fine:
        trouble = "differ from time to time" if tried.finite else "are not finite"
        raise EmbedError(f"{model.name} on {where}: its outputs {trouble}; it is not taken in")
    return (
        f"tried      finite and deterministic on {where}: {tried.window_ms:.1f} ms a window of "
        f"{windows.length_s:g} s, so {tried.streams} streams at a hop of {windows.hop_s:g} s"
    )
