"""Fetch a model from a hub, convert it, and let it appear complete or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from earwitnessd.models.find import on_another_machine
from earwitnessd.models.model import Model, ModelError
from earwitnessd.models.places import is_hub_name, pulled_directory
from earwitnessd.models.record import (
    KNOWN,
    RECORD,
    UNKNOWN_LICENCE,
    Record,
    read_record,
    sha256_of,
    write_record,
)
from earwitnessd.models.verify import (
    CONFIG,
    PREPROCESSOR,
    WEIGHTS,
    check_config,
    check_files,
    read_normalise,
    verified_model,
)

# The library beneath differs between versions; the hub's own error derives from that library's.
HUB_ERRORS: tuple[type[Exception], ...] = (OSError, HFValidationError, *HfHubHTTPError.__bases__)

Convert = Callable[[Path, Path], None]
# (downloaded directory, path of the safetensors file to write); raises ModelError for unusable weights


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a hub says about one revision of a model."""

    commit: str
    files: frozenset[str]
    licence: str | None


def pull(
    name: str,
    *,
    convert: Convert,
    to: Path | None = None,
    revision: str = "main",
    environ: Mapping[str, str] = os.environ,
) -> Model:
    """Fetch `name` into `to` (the model's own directory; default: among the pulled models)."""
    if not is_hub_name(name):
        raise ModelError(
            f'"{name}" is not a hub name: expected org/name, such as microsoft/wavlm-base-plus-sv'
        )
    target = (to or pulled_directory(name, environ)).expanduser().absolute()
    check_replaceable(target, name)
    try:
        return _pull(name, target, revision, convert, environ)
    except HUB_ERRORS as error:
        explain = _explain_disk if _is_local(error) else _explain_hub
        raise ModelError(explain(name, error, target, environ)) from error


def _pull(name: str, target: Path, revision: str, convert: Convert, environ: Mapping[str, str]) -> Model:
    listing = _ask(name, revision, environ)
    if present := _intact(target, name, listing.commit):
        return present
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pulling-") as scratch:
        downloaded, finished = Path(scratch, "downloaded"), Path(scratch, "finished")
        finished.mkdir()
        _download(name, listing, downloaded, environ)
        _finish(name, listing, downloaded, finished, convert)
        appear(finished, target, Path(scratch, "replaced"))
    return verified_model(target, name)


def _ask(name: str, revision: str, environ: Mapping[str, str]) -> Listing:
    info = HfApi(endpoint=environ.get("HF_ENDPOINT")).model_info(name, revision=revision)
    if info.sha is None:
        raise ModelError(f'the hub names no commit for revision "{revision}" of {name}')
    return Listing(
        commit=info.sha,
        files=frozenset(sibling.rfilename for sibling in info.siblings or ()),
        licence=info.card_data.get("license") if info.card_data else None,
    )


def _download(name: str, listing: Listing, directory: Path, environ: Mapping[str, str]) -> None:
    weights = next((file for file in WEIGHTS if file in listing.files), None)
    missing = sorted({CONFIG, PREPROCESSOR} - listing.files)
    if weights is None or missing:
        needed = ", ".join([*missing, *([] if weights else [" or ".join(WEIGHTS)])])
        raise ModelError(
            f"{name} at {listing.commit[:12]} lacks {needed} (it holds {', '.join(sorted(listing.files))}): "
            "choose a model with its weights in one file"
        )
    for file in (CONFIG, PREPROCESSOR, weights):
        hf_hub_download(
            name, file, revision=listing.commit, local_dir=directory, endpoint=environ.get("HF_ENDPOINT")
        )


def _finish(name: str, listing: Listing, downloaded: Path, finished: Path, convert: Convert) -> None:
    check_files(downloaded)
    check_config(downloaded)
    read_normalise(downloaded)
    for file in (CONFIG, PREPROCESSOR):
        shutil.copyfile(downloaded / file, finished / file)
    convert(downloaded, finished / WEIGHTS[0])
    known = KNOWN.get(name, Record())
    record = Record(
        name=name,
        revision=listing.commit,
        licence=listing.licence or known.licence or UNKNOWN_LICENCE,
        threshold=known.threshold,
        threshold_from=known.threshold_from,
        sha256={file: sha256_of(finished / file) for file in (WEIGHTS[0], CONFIG, PREPROCESSOR)},
    )
    write_record(finished, record)
    # the daemon may run as another user than whoever pulled
    finished.chmod(0o755)


def _intact(target: Path, name: str, commit: str) -> Model | None:
    """The model that is there already; None: it is absent, damaged or of another commit."""
    try:
        model = verified_model(target, name) if target.is_dir() else None
    except ModelError:
        return None
    return model if model and model.revision == commit else None


def check_replaceable(target: Path, name: str) -> None:
    """Only a model of that name may make place for it."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not (target / RECORD).is_file():
        raise ModelError(f"{target} exists and is not a pulled model: choose another directory with --to DIR")
    try:
        present = read_record(target).name
    except ModelError:
        return
    if present != name:
        raise ModelError(f"{target} holds another model ({present}): choose another directory with --to DIR")


def appear(finished: Path, target: Path, replaced: Path) -> None:
    """Rename into place: nobody ever sees half a model."""
    if target.exists():
        target.rename(replaced)
    finished.rename(target)


def _is_local(error: Exception) -> bool:
    """A full disk or a directory that is not ours, rather than the network."""
    is_network = isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, OSError) and error.errno is not None and not is_network


def _explain_disk(name: str, error: Exception, target: Path, _environ: Mapping[str, str]) -> str:
    return (
        f"cannot write {name} to {target}: {error}. Choose another place with --to DIR, "
        "make room, or run the command as the owner of that directory"
    )


def _explain_hub(name: str, error: Exception, _target: Path, environ: Mapping[str, str]) -> str:
    hub = environ.get("HF_ENDPOINT", "https://huggingface.co")
    if isinstance(error, GatedRepoError):
        return f"{name} is gated: accept its terms at {hub}/{name} and set HF_TOKEN, then pull again"
    if isinstance(error, RevisionNotFoundError):
        return f"{name} has no such revision at {hub}: look at {hub}/{name}/commits/main"
    if isinstance(error, RepositoryNotFoundError):
        return f"{hub} has no model {name}, or it is private and HF_TOKEN is not set"
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"could not fetch {name} from {hub}: {reason}\n{on_another_machine(name, environ)}"
