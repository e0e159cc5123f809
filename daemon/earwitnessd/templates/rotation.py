"""Turns embeddings by a secret orthonormal matrix: cosines stay, and a new key revokes old templates."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from earwitnessd.calibration import Calibrator
from earwitnessd.score import Vector

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Rotation:
    """One model's, under one key."""

    matrix: Vector
    # (dimension, dimension), orthonormal rows

    @classmethod
    def of(cls, seed: bytes, dimension: int) -> Rotation:
        """The same for the same 32 bytes, on every machine, to the last digits of single precision."""
        return cls(_orthonormal(seed, dimension).astype(np.float32))

    def turn(self, vectors: Vector) -> Vector:
        """One vector or rows of them, into the space where templates are compared."""
        if vectors.shape[:-1] == (1,):
            # most of what comes in real time: as a matrix of one row it would take a longer way
            row: Vector = np.dot(self.matrix, vectors[0])[np.newaxis]
            return row
        turned: Vector = vectors @ self.matrix.T
        return turned

    def back(self, vectors: Vector) -> Vector:
        """Undo `turn`."""
        turned: Vector = vectors @ self.matrix
        return turned

    def calibrator(self, calibrator: Calibrator) -> Calibrator:
        """The same calibration with its cohort turned: normalised scores stay."""
        cohort = calibrator.cohort
        turned = dataclasses.replace(cohort, mean=self.turn(cohort.mean), vectors=self.turn(cohort.vectors))
        return dataclasses.replace(calibrator, cohort=turned)


def _orthonormal(seed: bytes, dimension: int) -> Matrix:
    """Uniform among all rotations: the Q of a Gaussian matrix, with the signs of R's diagonal."""
    q, r = np.linalg.qr(_gaussian(seed, dimension * dimension).reshape(dimension, dimension))
    signed: Matrix = q * np.sign(np.diagonal(r))
    return signed


def _gaussian(seed: bytes, count: int) -> Matrix:
    """By Box and Muller from a keystream: numpy's own generators may change from version to version."""
    keystream = Cipher(AES(seed), CTR(bytes(16))).encryptor().update(bytes(16 * count))
    words = np.frombuffer(keystream, dtype="<u8").reshape(2, count)
    radius, angle = ((words >> 11) + 0.5) * 2.0**-53
    normal: Matrix = np.sqrt(-2.0 * np.log(radius)) * np.cos(2.0 * np.pi * angle)
    return normal
