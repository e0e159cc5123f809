"""earwitness.json: what is remembered about a model beside its files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from earwitnessd.models.model import ModelError

RECORD = "earwitness.json"
UNKNOWN_LICENCE = "unknown: read the model card"


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The content of earwitness.json; keys it does not know are left to others."""

    name: str | None = None
    revision: str | None = None
    # commit on the hub
    licence: str | None = None
    threshold: float | None = None
    # cosine
    threshold_from: str | None = None
    # who says so
    sha256: dict[str, str] | str | None = None
    # file name → hexadecimal SHA-256; a lone string is the one of the weights

    family: str | None = None
    # what it was recognised as, for people
    source: str | None = None
    # name of the file that was converted
    source_sha256: str | None = None
    published: str | None = None
    # error rate that its makers state, and where
    assumed: tuple[str, ...] = ()
    # what the file did not say, and was taken for granted
    left_aside: tuple[str, ...] = ()
    # weights of the file that are not part of the embedding
    warning: str | None = None
    # what a user must know


# Said by a model's makers where the hub's metadata cannot say it.
KNOWN: dict[str, Record] = {
    "microsoft/wavlm-base-plus-sv": Record(
        licence="CC-BY-SA-3.0 (the card points to github.com/microsoft/UniSpeech/blob/main/LICENSE)",
        threshold=0.86,
        threshold_from="model card, a demonstration value: calibrate it for your microphones",
    ),
}


def read_record(directory: Path) -> Record:
    """The record of a model; an empty one where a directory was made by hand."""
    path = directory / RECORD
    if not path.exists():
        return Record()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (msgspec.DecodeError, OSError) as error:
        raise ModelError(
            f"{path}: cannot be read ({error}). Pull the model again, or delete this file "
            "to use the directory unverified"
        ) from error


def write_record(directory: Path, record: Record) -> None:
    """Lay the record beside the model's files, readable by people too."""
    text = msgspec.json.format(msgspec.json.encode(record), indent=2)
    (directory / RECORD).write_bytes(text + b"\n")


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recorded_hashes(record: Record, weights_name: str) -> dict[str, str]:
    """The hashes a record states, by file name."""
    if record.sha256 is None:
        return {}
    if isinstance(record.sha256, str):
        return {weights_name: record.sha256}
    return record.sha256
