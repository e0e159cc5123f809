"""Vectors and exemplars to store."""

from __future__ import annotations

import numpy as np

from earwitnessd.enroll.collector import Template
from earwitnessd.enroll.origin import Origin
from earwitnessd.profiles import NewExemplar
from earwitnessd.score import Vector

MODEL = "small@1111"
OTHER_MODEL = "large@2222"


def voice(seed: int, dimension: int = 16) -> Vector:
    """A unit vector of its own."""
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def like(vector: Vector, cosine: float, seed: int = 99) -> Vector:
    """A unit vector of this cosine to another."""
    other = voice(seed, len(vector))
    across = other - (other @ vector) * vector
    across /= np.linalg.norm(across)
    mixed: Vector = (cosine * vector + np.sqrt(1 - cosine**2) * across).astype(np.float32)
    return mixed


def exemplar(vector: Vector, model_id: str = MODEL, label: str = "headset") -> NewExemplar:
    return NewExemplar(
        model_id=model_id,
        vector=vector,
        label=label,
        source="stream desk",
        speech_s=12.5,
        windows=7,
        consistency=0.81,
        snr_db=None,
    )


def template(vector: Vector) -> Template:
    return Template(vector=vector, speech_s=10.0, windows=5, consistency=0.9, snr_db=20.0)


DESK = Origin("stream desk", "headset", "Built-in Audio", 48_000)
