"""Fetch a model from a hub, convert it, and let it appear complete or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from earwitnessd.models.catalogue import offered
from earwitnessd.models.downloading import Report, download, unheard
from earwitnessd.models.find import not_pulled, on_another_machine
from earwitnessd.models.installed import UNFINISHED
from earwitnessd.models.model import Model, ModelError
from earwitnessd.models.places import hub_cache_snapshot, is_hub_name, pulled_directory
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

CHECKPOINTS = (".pth", ".pt", ".ckpt", ".bin", ".safetensors")
OFFLINE = "HF_HUB_OFFLINE"

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
    offline: bool = False,
    report: Report = unheard,
    environ: Mapping[str, str] = os.environ,
) -> Model:
    """Fetch `name` into `to` (the model's own directory; default: among the pulled models).

    A download that broke off is gone on with. `offline`: nothing is fetched; what lies in the hub's own cache
    on this machine is converted.
    """
    _check_name(name)
    target = (to or pulled_directory(name, environ)).expanduser().absolute()
    check_replaceable(target, name)
    with explained(name, target, environ):
        if offline or is_offline(environ):
            return _from_cache(name, target, convert, environ)
        return _pull(name, target, revision, convert, environ, report)


@contextmanager
def fetched(
    name: str,
    file: str,
    *,
    revision: str = "main",
    target: Path,
    report: Report = unheard,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[tuple[Path, Listing]]:
    """One checkpoint of a repository in another layout than transformers'; gone when the block ends well."""
    _check_name(name)
    if is_offline(environ):
        raise ModelError(
            f"{OFFLINE} is set: {file} of {name} cannot be fetched. Bring the file here and import it"
        )
    with explained(name, target, environ):
        listing = _ask(name, revision, environ)
        if file not in listing.files:
            raise ModelError(
                f"{name} at {listing.commit[:12]} has no file {file}{_checkpoints_of(name, listing)}"
            )
        with _downloading(target, listing.commit) as downloaded:
            _fetch(name, listing, (file,), downloaded, environ, report)
            yield downloaded / file, listing


@contextmanager
def explained(name: str, target: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """What goes wrong with hub or disk becomes a ModelError that says what to do."""
    try:
        yield
    except HUB_ERRORS as error:
        explain = _explain_disk if _is_local(error) else _explain_hub
        raise ModelError(explain(name, error, target, environ)) from error


def is_offline(environ: Mapping[str, str]) -> bool:
    """Whether the user keeps programs from asking the hub."""
    return environ.get(OFFLINE, "").lower() in {"1", "true", "yes", "on"}


def _check_name(name: str) -> None:
    if not is_hub_name(name):
        raise ModelError(
            f'"{name}" is not a hub name: expected org/name, such as microsoft/wavlm-base-plus-sv'
        )


def _pull(
    name: str, target: Path, revision: str, convert: Convert, environ: Mapping[str, str], report: Report
) -> Model:
    listing = _ask(name, revision, environ)
    if present := _intact(target, name, listing.commit):
        return present
    with _downloading(target, listing.commit) as downloaded:
        _download(name, listing, downloaded, environ, report)
        return _install(name, listing, downloaded, target, convert)


def _from_cache(name: str, target: Path, convert: Convert, environ: Mapping[str, str]) -> Model:
    try:
        return verified_model(target, name)
    except (ModelError, OSError):
        cached = hub_cache_snapshot(name, environ)
    if cached is None:
        raise ModelError(f"offline: {not_pulled(name, environ)}")
    listing = Listing(commit=cached.name, files=frozenset(), licence=None)
    return _install(name, listing, cached, target, convert)


@contextmanager
def _downloading(target: Path, commit: str) -> Iterator[Path]:
    """A folder that outlives a download that breaks off, so that the next one goes on where it stopped."""
    folder = target.parent / f"{UNFINISHED}{target.name}-{commit[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except ModelError:
        shutil.rmtree(folder, ignore_errors=True)  # it is of no use
        raise
    for left in target.parent.glob(f"{UNFINISHED}{target.name}-*"):
        shutil.rmtree(left, ignore_errors=True)


def _install(name: str, listing: Listing, downloaded: Path, target: Path, convert: Convert) -> Model:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".converting-") as scratch:
        finished = Path(scratch, "finished")
        finished.mkdir()
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


def _download(
    name: str, listing: Listing, directory: Path, environ: Mapping[str, str], report: Report
) -> None:
    weights = next((file for file in WEIGHTS if file in listing.files), None)
    missing = sorted({CONFIG, PREPROCESSOR} - listing.files)
    if weights is None or missing:
        needed = ", ".join([*missing, *([] if weights else [" or ".join(WEIGHTS)])])
        raise ModelError(
            f"{name} at {listing.commit[:12]} lacks {needed} (it holds {', '.join(sorted(listing.files))}): "
            f"choose a model with its weights in one file{_checkpoints_of(name, listing)}"
        )
    _fetch(name, listing, (CONFIG, PREPROCESSOR, weights), directory, environ, report)


def _checkpoints_of(name: str, listing: Listing) -> str:
    files = sorted(file for file in listing.files if file.endswith(CHECKPOINTS))
    said = "\n".join(f"    earwitnessd model pull {name} --file {file}" for file in files[:8])
    return f". A checkpoint of another family is taken in with\n{said}" if said else ""


def _fetch(
    name: str,
    listing: Listing,
    files: tuple[str, ...],
    directory: Path,
    environ: Mapping[str, str],
    report: Report,
) -> None:
    for file in files:
        download(name, file, listing.commit, directory, environ, report)


def _finish(name: str, listing: Listing, downloaded: Path, finished: Path, convert: Convert) -> None:
    check_files(downloaded)
    family = check_config(downloaded)
    read_normalise(downloaded)
    for file in (CONFIG, PREPROCESSOR):
        shutil.copyfile(downloaded / file, finished / file)
    convert(downloaded, finished / WEIGHTS[0])
    known, told = KNOWN.get(name, Record()), offered(name)
    record = Record(
        name=name,
        family=family.says,
        published=told.published if told else None,
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
    return (
        f"could not fetch {name} from {hub}: {reason}\nPull again to go on where it stopped. "
        f"{on_another_machine(name, environ)}"
    )
