"""Takes a checkpoint among this machine's models: converted, described, complete or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.models.card import CARD, written_card
from earwitnessd.models.families import Family
from earwitnessd.models.model import Model, ModelError
from earwitnessd.models.places import is_hub_name, is_plain_name, models_directory
from earwitnessd.models.published import published
from earwitnessd.models.pull import appear, check_replaceable
from earwitnessd.models.record import UNKNOWN_LICENCE, Record, sha256_of, write_record
from earwitnessd.models.verify import CONFIG, PREPROCESSOR, WEIGHTS, verified_model

NOT_FROM_A_HUB = Record()


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What a conversion found."""

    family: Family
    assumed: tuple[str, ...]
    # what the file did not say, as `key = value`
    left_aside: tuple[str, ...]
    # weights that are not part of the embedding


Convert = Callable[[Path, Path], Card]
# (checkpoint, directory to write the model's files into); raises ModelError for what it does not know


Trial = Callable[[Model], None]
# raises for a model that must not be used


def import_model(
    source: Path,
    *,
    convert: Convert,
    name: str | None = None,
    hub: Record = NOT_FROM_A_HUB,
    trial: Trial | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[Model, Record]:
    """Convert `source`, under `name` (default: the file's own) among this machine's models.

    `hub` says revision and licence of what came from one. What fails `trial` does not get there.
    """
    called = name or suggested_name(source)
    if not is_plain_name(called) and not is_hub_name(called):
        raise ModelError(
            f'--name "{called}": expected letters, digits, "-", "_" and ".", with one "/" at most'
        )
    target = models_directory(environ).absolute() / called
    check_replaceable(target, called)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".importing-") as scratch:
            finished = Path(scratch, "finished")
            finished.mkdir()
            record = _described(source, called, finished, convert(source, finished), hub)
            write_record(finished, record)
            (finished / CARD).write_text(written_card(record), encoding="utf-8")
            # the daemon may run as another user than whoever imported
            finished.chmod(0o755)
            if trial:
                trial(verified_model(finished, called))
            appear(finished, target, Path(scratch, "replaced"))
    except OSError as error:
        raise ModelError(
            f"cannot import {source} into {target}: {error}. Make room, run the command as the owner of that "
            "directory, or set EARWITNESS_MODELS to another"
        ) from error
    return verified_model(target, called), record


def suggested_name(source: Path) -> str:
    """The file's or directory's own, without what a name cannot hold."""
    plain = source.resolve()
    if plain.name in WEIGHTS:
        plain = plain.parent
    stem = plain.name if plain.is_dir() else plain.stem
    return re.sub(r"[^\w.-]+", "-", stem, flags=re.ASCII).strip("-._") or "imported"


def _described(source: Path, name: str, finished: Path, card: Card, hub: Record) -> Record:
    weights = source
    if source.is_dir():
        weights = next(source / file for file in WEIGHTS if (source / file).is_file())
    return Record(
        name=name,
        revision=hub.revision,
        licence=hub.licence or UNKNOWN_LICENCE,
        sha256={file: sha256_of(finished / file) for file in (WEIGHTS[0], CONFIG, PREPROCESSOR)},
        family=card.family.says,
        source=str(source.resolve().name),
        source_sha256=sha256_of(weights),
        published=published(card.family, source),
        assumed=card.assumed,
        left_aside=card.left_aside,
        warning=card.family.warning,
    )
