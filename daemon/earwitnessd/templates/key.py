"""The key that all templates hang on: what is derived from it, and how it is written down."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LENGTH = 32  # bytes


@dataclass(frozen=True, slots=True)
class TemplateKey:
    """Secret; only `id` may be shown."""

    secret: bytes = field(repr=False)

    @classmethod
    def new(cls) -> TemplateKey:
        """From the system's randomness."""
        return cls(secrets.token_bytes(LENGTH))

    @classmethod
    def from_text(cls, text: str) -> TemplateKey:
        """As `text` wrote it; ValueError for anything else."""
        digits = text.strip()
        if len(digits) != 2 * LENGTH or set(digits) - set(string.hexdigits):
            raise ValueError(f"{len(digits)} characters, expected {2 * LENGTH} hexadecimal digits")
        return cls(bytes.fromhex(digits))

    def text(self) -> str:
        """One line: what a key file holds."""
        return self.secret.hex() + "\n"

    @property
    def id(self) -> str:
        """Tells keys apart without telling anything of them."""
        return self.derive("id", 8).hex()

    def derive(self, purpose: str, length: int = LENGTH) -> bytes:
        """Key material for one purpose, which says nothing about that for another."""
        kdf = HKDF(
            algorithm=SHA256(), length=length, salt=None, info=b"earwitness template " + purpose.encode()
        )
        return kdf.derive(self.secret)
