"""The models that lie on this machine under a name, and taking one away."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.models.families import Family
from earwitnessd.models.model import ModelError
from earwitnessd.models.places import (
    BUILTIN,
    BUILTIN_DIRECTORY,
    hub_cache_snapshot,
    is_hub_name,
    is_plain_name,
    models_directory,
    pulled_directory,
)
from earwitnessd.models.record import RECORD, Record, read_record, recorded_hashes
from earwitnessd.models.verify import CONFIG, PREPROCESSOR, check_config, check_files, identity

NOTHING = Record()
UNFINISHED = ".pulling-"  # begins the name of a folder with a download that did not end


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """A model as its folder describes it: nothing of its weights was read."""

    name: str
    directory: Path
    size_mb: float = 0.0
    # of the weights
    family: Family | None = None
    model_id: str = ""
    # by the hashes that were recorded; empty: they were not
    record: Record = NOTHING
    problem: str = ""
    # why it cannot be used; empty: nothing is known against it


def installed(environ: Mapping[str, str] = os.environ) -> list[Installed]:
    """The built-in one, then all that were pulled or imported, by name."""
    return [_described(BUILTIN, BUILTIN_DIRECTORY), *(_described(*each) for each in _shelved(environ))]


def unfinished(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Folders with downloads that did not end; pulling again goes on with them."""
    return sorted(models_directory(environ).glob(f"**/{UNFINISHED}*"))


def remove(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Take a pulled or imported model off this machine; where it lay."""
    directory = removable(name, environ)
    scratch = Path(tempfile.mkdtemp(dir=directory.parent, prefix=".removing-"))
    try:
        # renamed first: nobody ever opens half a model
        directory.rename(scratch / "removed")
        shutil.rmtree(scratch)
    except OSError as error:
        raise ModelError(
            f"cannot remove {directory}: {error}. Run the command as its owner, or delete what is left in "
            f"{scratch}"
        ) from error
    with suppress(OSError):  # others of the same maker lie there
        if directory.parent != models_directory(environ):
            directory.parent.rmdir()
    return directory


def removable(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a model lies that may be removed; ModelError for any other."""
    if name == BUILTIN:
        raise ModelError("the built-in model is part of the installation: it cannot be removed")
    directory = pulled_directory(name, environ)
    if (is_plain_name(name) or is_hub_name(name)) and (directory / RECORD).is_file():
        return directory
    if is_hub_name(name) and (cached := hub_cache_snapshot(name, environ)):
        raise ModelError(
            f"{name} lies in the Hugging Face cache ({cached}), which belongs to other programs too"
        )
    known = ", ".join(each for each, _ in _shelved(environ)) or "none"
    raise ModelError(
        f'model "{name}" was neither pulled nor imported on this machine ({models_directory(environ)} holds: '
        f"{known})"
    )


def _shelved(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    shelf = models_directory(environ)
    for record in sorted((*shelf.glob(f"*/{RECORD}"), *shelf.glob(f"*/*/{RECORD}"))):
        name = str(record.parent.relative_to(shelf))
        if is_plain_name(name) or is_hub_name(name):
            yield name, record.parent


def _described(name: str, directory: Path) -> Installed:
    try:
        weights = directory / check_files(directory)
        family = check_config(directory)
        record = read_record(directory)
    except (ModelError, OSError) as error:
        return Installed(name=name, directory=directory, problem=str(error))
    stated = recorded_hashes(record, weights.name)
    whole = {weights.name, CONFIG, PREPROCESSOR} <= stated.keys()
    return Installed(
        name=name,
        directory=directory,
        size_mb=weights.stat().st_size / 1e6,
        family=family,
        model_id=f"{record.name or name}@{identity(stated, weights.name)}" if whole else "",
        record=record,
    )
