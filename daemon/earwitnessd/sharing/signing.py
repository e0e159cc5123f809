"""The key that a writer signs with, as files: whoever follows believes what is signed, and nothing else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from earwitnessd.access.keys import NAME
from earwitnessd.sharing.errors import SharingError

PUBLIC, SECRET = ".signing", ".signing_secret"


def new_signing_key(directory: Path, name: str) -> tuple[Path, Path]:
    """Write NAME.signing and NAME.signing_secret (mode 0600); their paths."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a key: letters, digits, _, - and ., at most 64")
    directory.mkdir(parents=True, exist_ok=True)
    public, secret = directory / f"{name}{PUBLIC}", directory / f"{name}{SECRET}"
    if secret.exists():
        raise FileExistsError(f"{secret} exists: remove it first, if it is no longer in use")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public, secret


def read_secret(file: Path) -> Ed25519PrivateKey:
    """The writer's; SharingError if others can read it, or it is none."""
    try:
        require_private(file)
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise SharingError(f"signing key {file}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_key(file, SECRET) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(file, SECRET)
    return key


def read_public(file: Path) -> Ed25519PublicKey:
    """The writer's, as a follower has it."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise SharingError(f"signing key {file}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_key(file, PUBLIC) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(file, PUBLIC)
    return key


def require_private(file: Path) -> None:
    """SharingError if others than its owner can read it; OSError if it is not there."""
    if os.environ.get("CREDENTIALS_DIRECTORY") == str(file.parent):
        return  # systemd gives it to this service alone, by an access list that the mode does not tell
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise SharingError(f"key {file}: others can read it (mode {mode:04o}): chmod 600 {file}")


def key_id(key: Ed25519PublicKey) -> str:
    """To compare two of them by eye."""
    digest = Hash(SHA256())
    digest.update(key.public_bytes_raw())
    return digest.finalize()[:8].hex()


def _no_key(file: Path, ending: str) -> SharingError:
    return SharingError(
        f"signing key {file}: holds none of ours: name the file that ends in {ending}; "
        "`earwitnessd keys signing NAME` makes both"
    )
