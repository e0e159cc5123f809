"""A profile on its way to another machine: encrypted with a passphrase, or with the content of a key file."""

from __future__ import annotations

import base64
import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

FORMAT = "earwitness profile"
VERSION = 1
LEAST_PASSPHRASE = 12  # characters: whoever has the file can guess as often as they like
COST, BLOCK, PARALLEL = 2**15, 8, 1  # of scrypt: 32 MB and some 0.1 s for each guess
MOST_COST = 2**18  # that a file may ask of us: 256 MB


class ParcelError(Exception):
    """It cannot be packed or opened: says why and what to do."""


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What everybody may read; it is authenticated with the content."""

    format: str = FORMAT
    version: int = VERSION
    kdf: str = "scrypt"
    n: int = COST
    r: int = BLOCK
    p: int = PARALLEL
    salt: str
    nonce: str


class Parcel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: one JSON object."""

    header: Header
    content: str
    # base64 of AES-256-GCM


def pack(content: bytes, passphrase: str) -> bytes:
    """Encrypt; ParcelError for a passphrase that is too easily guessed."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise ParcelError(
            f"the passphrase has {len(passphrase)} characters: use at least {LEAST_PASSPHRASE}, whoever has "
            "the file can guess as often as they like"
        )
    header = Header(salt=_text(os.urandom(16)), nonce=_text(os.urandom(12)))
    sealed = _cipher(header, passphrase).encrypt(_bytes(header.nonce), content, msgspec.json.encode(header))
    return msgspec.json.format(msgspec.json.encode(Parcel(header=header, content=_text(sealed)))) + b"\n"


def unpack(parcel: bytes, passphrase: str) -> bytes:
    """Undo `pack`."""
    try:
        read = msgspec.json.decode(parcel, type=Parcel)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParcelError(f"this is no exported profile: {error}") from None
    header = read.header
    if (header.format, header.version, header.kdf) != (FORMAT, VERSION, "scrypt"):
        raise ParcelError(
            f"{header.format!r} of version {header.version}: this earwitness reads {FORMAT!r} of version "
            f"{VERSION}"
        )
    if not (2 <= header.n <= MOST_COST and header.r == BLOCK and header.p == PARALLEL):
        raise ParcelError(f"asks for scrypt with n = {header.n}, r = {header.r}, p = {header.p}: refused")
    try:
        cipher = _cipher(header, passphrase)
        return cipher.decrypt(_bytes(header.nonce), _bytes(read.content), msgspec.json.encode(header))
    except InvalidTag:
        raise ParcelError("does not open: another passphrase, or the file was changed") from None
    except ValueError as error:
        raise ParcelError(f"this is no exported profile: {error}") from None


def _cipher(header: Header, passphrase: str) -> AESGCM:
    kdf = Scrypt(salt=_bytes(header.salt), length=32, n=header.n, r=header.r, p=header.p)
    return AESGCM(kdf.derive(passphrase.encode()))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
