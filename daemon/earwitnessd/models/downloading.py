"""One file from a hub, in as many attempts as it takes: what has come stays on disk until all is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from io import BufferedRandom, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from huggingface_hub import get_hf_file_metadata, get_token, hf_hub_url
from huggingface_hub.file_download import http_get
from huggingface_hub.utils.tqdm import disable_progress_bars

from earwitnessd.models.record import sha256_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

PART = ".part"
_SHA256 = re.compile(r"[0-9a-f]{64}")


Report = Callable[[str, float, float | None], None]
# a file's name, how many bytes of it are here, and of how many, if that is known


def unheard(file: str, here: float, of: float | None) -> None:
    """A report to nobody."""


class Counted(BufferedRandom):
    """A file that says how long it is after each write; who writes may begin it anew."""

    def __init__(self, path: Path, report: Callable[[int], None]) -> None:
        super().__init__(FileIO(path, "a+"))
        self._report = report

    def write(self, content: Buffer, /) -> int:
        """At the end, wherever that is."""
        written = super().write(content)
        self._report(self.tell())
        return written


def download(
    name: str, file: str, commit: str, directory: Path, environ: Mapping[str, str], report: Report
) -> Path:
    """OSError if what came is not what the hub says it has."""
    target = directory / file
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + PART)
    url = hf_hub_url(name, file, revision=commit, endpoint=environ.get("HF_ENDPOINT"))
    disable_progress_bars()  # in favour of `report`
    token = get_token()
    told = get_hf_file_metadata(url, token=token)
    # where the hub sends us to is not to know our token
    at_the_hub = urlsplit(told.location).netloc == urlsplit(url).netloc
    headers = {"authorization": f"Bearer {token}"} if token and at_the_hub else {}
    here = part.stat().st_size if part.is_file() else 0
    if told.size is not None and here > told.size:
        part.unlink()
        here = 0
    report(file, here, told.size)
    with Counted(part, lambda length: report(file, length, told.size)) as written:
        http_get(
            told.location,
            cast("BinaryIO", written),
            resume_size=here,
            headers=headers,
            expected_size=told.size,
            displayed_filename=file,
        )
    _check(part, told.etag, file)
    part.rename(target)
    return target


def _check(part: Path, etag: str | None, file: str) -> None:
    """The hub's tag of a large file is its SHA-256."""
    if etag is None or not _SHA256.fullmatch(etag):
        return
    found = sha256_of(part)
    if found != etag:
        part.unlink()
        raise ConnectionError(f"{file} came with SHA-256 {found}, the hub says {etag}")
