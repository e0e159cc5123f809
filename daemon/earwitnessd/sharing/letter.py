"""A page of profiles on its way: sealed for one follower's key, and signed by the writer. Pure."""

from __future__ import annotations

import os
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from earwitnessd.profiles.giving import Page
from earwitnessd.profiles.ledger import Standing
from earwitnessd.sharing.errors import SharingError

FORMAT = 1
PURPOSE = b"earwitness profiles for followers 1"
NONCE = bytes(12)  # each letter has a key of its own, used once

Transfer = Literal["changes", "snapshot"]
Kind = Transfer | Literal["differs"]


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the letter is about; authenticated with the content."""

    format: int = FORMAT
    kind: Kind
    # "changes" since what the follower knows; "snapshot": everybody; "differs": nothing is in it, because
    # what the follower knows is no part of this history
    lineage: str
    # of the writer's database
    after: int
    # the page holds what changed after this version
    version: int
    # up to this one
    mark: str
    # of that version
    newest: int
    # the version the database has come to
    newest_mark: str
    # of that version
    model_id: str
    # in use at the writer
    nonce: str
    # the follower's: no letter can be sent twice

    @property
    def reaches(self) -> Standing:
        """The point of the writer's history that the page ends at."""
        return Standing(self.lineage, self.version, self.mark)

    @property
    def more(self) -> bool:
        """Whether another page is to follow."""
        return self.version < self.newest


class Letter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As it is signed."""

    header: msgspec.Raw
    ephemeral: bytes
    # the writer's public key for this letter alone
    sealed: bytes


class Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As it is sent, in MessagePack."""

    letter: bytes
    signature: bytes


def write(header: Header, page: Page, signing: Ed25519PrivateKey, recipient: bytes) -> bytes:
    """`recipient` is the follower's public CURVE key, 32 bytes."""
    told = msgspec.msgpack.encode(header)
    own = X25519PrivateKey.generate()
    shared = own.exchange(X25519PublicKey.from_public_bytes(recipient))
    ephemeral = own.public_key().public_bytes_raw()
    cipher = AESGCM(_key(shared, ephemeral, recipient))
    sealed = cipher.encrypt(NONCE, msgspec.msgpack.encode(page), told)
    letter = msgspec.msgpack.encode(Letter(header=msgspec.Raw(told), ephemeral=ephemeral, sealed=sealed))
    return msgspec.msgpack.encode(Signed(letter=letter, signature=signing.sign(PURPOSE + letter)))


def read(content: bytes, signer: Ed25519PublicKey, recipient: bytes, nonce: str) -> tuple[Header, Page]:
    """Undo `write`; `recipient` is the follower's secret CURVE key. SharingError if it is another's."""
    try:
        signed = msgspec.msgpack.decode(content, type=Signed)
        signer.verify(signed.signature, PURPOSE + signed.letter)
        letter = msgspec.msgpack.decode(signed.letter, type=Letter)
        header = msgspec.msgpack.decode(letter.header, type=Header)
        if header.nonce != nonce:
            raise SharingError("what came answers another request: it was sent before, and is not taken")
        return header, _opened(letter, recipient)
    except InvalidSignature:
        raise SharingError(
            "what came is not signed with the writer's key (follow.signed_by): nothing of it is taken"
        ) from None
    except InvalidTag:
        raise SharingError("what came is not sealed for this daemon's key (follow.key_file)") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise SharingError(f"what came makes no sense (another version of earwitness?): {error}") from None


def _opened(letter: Letter, recipient: bytes) -> Page:
    own = X25519PrivateKey.from_private_bytes(recipient)
    shared = own.exchange(X25519PublicKey.from_public_bytes(letter.ephemeral))
    cipher = AESGCM(_key(shared, letter.ephemeral, own.public_key().public_bytes_raw()))
    return msgspec.msgpack.decode(cipher.decrypt(NONCE, letter.sealed, bytes(letter.header)), type=Page)


def _key(shared: bytes, ephemeral: bytes, recipient: bytes) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=32, salt=ephemeral + recipient, info=PURPOSE)
    return kdf.derive(shared)


def new_nonce() -> str:
    """For one request."""
    return os.urandom(12).hex()
