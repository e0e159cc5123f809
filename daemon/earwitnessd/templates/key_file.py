"""Where the templates' key lies: a credential of systemd's, a file as set, or one beside the database."""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.disk import write_through
from earwitnessd.templates.errors import KeyFileError
from earwitnessd.templates.key import TemplateKey

log = logging.getLogger(__name__)

CREDENTIAL = "template.key"  # LoadCredential=template.key:/etc/earwitness/template.key
BESIDE = ".key"
NEXT = ".next"  # a key that is about to come into force
NONE_GIVEN = "missing"  # SetCredential=template.key:missing of the unit: systemd found no key to hand over


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """A file that holds a key, or will."""

    file: Path
    credential: bool = False
    # given by systemd: read only, and never made here
    beside: bool = False
    # lies with the database that it protects

    @classmethod
    def find(cls, setting: str, database: Path) -> KeyPlace:
        """As set; "auto": the credential if there is one, else beside the database."""
        if setting != "auto":
            return cls(Path(setting).expanduser())
        if directory := os.environ.get("CREDENTIALS_DIRECTORY"):
            file = Path(directory) / CREDENTIAL
            if file.exists():
                return cls(file, credential=True)
        return cls(Path(f"{database}{BESIDE}"), beside=True)

    @property
    def next_file(self) -> Path:
        """Where a new key waits until the database is sealed with it."""
        return Path(f"{self.file}{NEXT}")

    def read(self, key_id: str | None) -> TemplateKey | None:
        """The key with this id (None: any) if it lies here; a rotation that was cut off is ended first."""
        if key_id is not None and self.next_file.exists() and read_key(self.next_file).id == key_id:
            with suppress(FileNotFoundError):  # another process was quicker
                self.next_file.replace(self.file)
            _sync(self.file.parent)
            log.warning(
                "%s: the rotation of the templates' key had been cut off, and is ended now", self.file
            )
        if not self.file.exists():
            return None
        return read_key(self.file, private=not self.credential)

    def create(self) -> TemplateKey:
        """A new key; whoever is later than another process gets that one's."""
        log.warning(
            "a new key for the voice templates: %s. Without it nobody in the database can be recognised",
            self.file,
        )
        if self.beside:
            log.warning(
                "the key lies beside the database: it protects copies of the database alone, not a copy of "
                "the whole folder, nor a stolen disk. Keep it elsewhere: a systemd credential called %s, or "
                "templates.key_file",
                CREDENTIAL,
            )
        with suppress(FileExistsError):
            write_key(self.file, TemplateKey.new())
        return read_key(self.file)


def read_key(file: Path, *, private: bool = True) -> TemplateKey:
    """KeyFileError if others than its owner can read it, or it holds no key."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if private and mode & 0o077:
            raise KeyFileError(f"template key {file}: others can read it (mode {mode:04o}): chmod 600 {file}")
        text = file.read_text(encoding="ascii")
        if text.strip() == NONE_GIVEN:
            raise KeyFileError(
                "template key: the service was given none: the file that its unit names "
                "(LoadCredential=template.key:..., as a rule /etc/earwitness/keys/template.key) is not "
                "there. Restore it from a backup, then start the service again; for a new database "
                "`earwitnessd install` makes one"
            )
        return TemplateKey.from_text(text)
    except OSError as error:
        raise KeyFileError(f"template key {file}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise KeyFileError(
            f"template key {file}: holds no key ({error}): restore it from a backup; "
            "`earwitnessd templates new-key` makes one for a new database"
        ) from None


def write_key(file: Path, key: TemplateKey) -> None:
    """Whole and on disk when this returns; FileExistsError if there is a file already."""
    part = file.with_name(f".{file.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            write_through(descriptor, key.text().encode())
        finally:
            os.close(descriptor)
        os.link(part, file)
        _sync(file.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise KeyFileError(f"template key {file}: cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
