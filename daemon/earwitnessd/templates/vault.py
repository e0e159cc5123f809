"""Seals templates for the database and opens them again, each bound to its person, model and row."""

from __future__ import annotations

import os
from dataclasses import dataclass

import msgspec
import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from earwitnessd.calibration import Calibrator
from earwitnessd.score import Vector
from earwitnessd.templates.errors import SealError
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.rotation import Rotation

NONCE = 12  # bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a template belongs: it opens nowhere else."""

    row: int
    person: int
    name: str
    model_id: str

    def associated(self) -> bytes:
        """What is authenticated with the template."""
        return msgspec.json.encode(
            ["earwitness template", 1, self.row, self.person, self.name, self.model_id]
        )


@dataclass(frozen=True, slots=True)
class AudioPlace:
    """Where the audio of an enrolment belongs: it opens nowhere else."""

    session: int
    person: int

    def associated(self) -> bytes:
        """What is authenticated with it."""
        return msgspec.json.encode(["earwitness enrolment audio", 1, self.session, self.person])


class Turning:
    """Turns what a model computes into the space of one vault, where its templates lie."""

    def __init__(self, vault: Vault, model_id: str) -> None:
        self._vault = vault
        self._model_id = model_id

    def turn(self, vectors: Vector) -> Vector:
        """Embeddings: from here on nobody sees them otherwise."""
        return self._vault.rotation(self._model_id, vectors.shape[-1]).turn(vectors)

    def calibrator(self, calibrator: Calibrator | None) -> Calibrator | None:
        """With its cohort in that space too."""
        if calibrator is None:
            return None
        return self._vault.rotation(self._model_id, len(calibrator.cohort.mean)).calibrator(calibrator)


class Vault:
    """One key at work. Templates go in and come out turned by `rotation`; the plain ones never come here."""

    def __init__(self, key: TemplateKey) -> None:
        self.key_id = key.id
        self._key = key
        self._cipher = AESGCM(key.derive("encryption"))
        self._rotations: dict[tuple[str, int], Rotation] = {}

    def rotation(self, model_id: str, dimension: int) -> Rotation:
        """This model's; other models are turned otherwise."""
        wanted = (model_id, dimension)
        if wanted not in self._rotations:
            seed = self._key.derive(f"rotation {dimension} {model_id}")
            self._rotations[wanted] = Rotation.of(seed, dimension)
        return self._rotations[wanted]

    def seal(self, turned: Vector, place: Place) -> bytes:
        """Encrypted, with a nonce of its own."""
        return self._sealed(turned.astype("<f4").tobytes(), place.associated())

    def open(self, sealed: bytes, place: Place) -> Vector:
        """The turned template; SealError if it is not this key's, or not from this place."""
        try:
            content = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], place.associated())
        except (InvalidTag, ValueError):
            raise SealError(
                f"session {place.row} of {place.name} does not open: it was changed, or moved here from "
                "another row or person"
            ) from None
        return np.frombuffer(content, dtype="<f4").astype(np.float32)

    def seal_content(self, content: bytes, place: AudioPlace) -> bytes:
        """Encrypted, with a nonce of its own."""
        return self._sealed(content, place.associated())

    def open_content(self, sealed: bytes, place: AudioPlace) -> bytes:
        """SealError if it is not this key's, or not from this place."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], place.associated())
        except (InvalidTag, ValueError):
            raise SealError(
                f"the audio of session {place.session} does not open: it was changed, or moved here"
            ) from None

    def _sealed(self, content: bytes, associated: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, content, associated)
