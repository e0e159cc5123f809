"""Turning keeps every cosine, and what another key has turned is a stranger."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from earwitnessd.score import Heard, ProfileMatrix
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.rotation import Rotation
from earwitnessd.templates.vault import Turning, Vault
from tests.calibration.making import calibrator
from tests.profiles.making import MODEL, OTHER_MODEL, like, voice

DIMENSION = 512
FLOAT_PRECISION = 1e-6  # of a cosine of two unit vectors in single precision
SEED = bytes(range(32))
PINNED_MATRIX = [
    [-0.1533268, -0.5997792, 0.7853380],
    [0.8731884, -0.4543071, -0.1764856],
    [-0.4626370, -0.6586880, -0.5933777],
]


def turning(secret: int = 1) -> Turning:
    return Turning(Vault(TemplateKey(bytes([secret]) * 32)), MODEL)


def test_the_matrix_is_orthonormal_to_float_precision() -> None:
    matrix = Rotation.of(SEED, DIMENSION).matrix.astype(np.float64)
    assert np.abs(matrix @ matrix.T - np.eye(DIMENSION)).max() < 1e-6


def test_the_matrix_of_a_key_never_changes() -> None:
    """Another matrix for the same key would make strangers of everybody who is enrolled."""
    matrix = Rotation.of(SEED, 3).matrix
    np.testing.assert_allclose(matrix, PINNED_MATRIX, atol=1e-6)


def test_every_cosine_stays() -> None:
    voices = np.stack([voice(seed, DIMENSION) for seed in range(60)])
    turn = turning().turn
    turned = turn(voices)
    assert np.abs(turned @ turned.T - voices @ voices.T).max() < FLOAT_PRECISION
    assert np.abs(np.linalg.norm(turned, axis=1) - 1.0).max() < FLOAT_PRECISION
    alone = np.stack([turn(each) for each in voices])
    np.testing.assert_allclose(alone, turned, atol=FLOAT_PRECISION)


def test_scores_by_cohort_and_calibration_stay() -> None:
    me = voice(1)
    exemplars = [("anna", like(me, 0.8)), ("ben", like(me, 0.3, seed=5)), ("carla", voice(3))]
    lengths, heard = [10.0, 20.0, 5.0], Heard(3.0, 20.0)
    plain = ProfileMatrix.build(exemplars, calibrator(), lengths).evidence(me, heard)
    turn = turning()
    turned = ProfileMatrix.build(
        [(name, turn.turn(vector)) for name, vector in exemplars], turn.calibrator(calibrator()), lengths
    ).evidence(turn.turn(me), heard)
    assert [score.speaker for score in turned] == [score.speaker for score in plain]
    for before, after in zip(plain, turned, strict=True):
        for field in ("cosine", "normalised", "llr"):
            assert getattr(after, field) == pytest.approx(getattr(before, field), abs=2e-4)


def test_turning_leaves_no_trace_of_the_plain_vector() -> None:
    plain = voice(1, DIMENSION)
    assert abs(float(turning().turn(plain) @ plain)) < 0.25  # as two strangers in 512 dimensions


def test_what_another_key_or_another_model_turned_scores_like_a_stranger() -> None:
    """A new key revokes: a stolen template of the old one matches nobody, its owner least of all."""
    voices = np.stack([voice(seed, DIMENSION) for seed in range(200)])
    old, new = turning(1).turn(voices), turning(2).turn(voices)
    other_model = Turning(Vault(TemplateKey(bytes([1]) * 32)), OTHER_MODEL).turn(voices)
    strangers = (voices @ voices.T)[np.triu_indices(len(voices), 1)]
    for again in (new, other_model):
        own = np.sum(old * again, axis=1)
        assert abs(own.mean()) < 4 * strangers.std() / np.sqrt(len(own))
        assert own.std() == pytest.approx(strangers.std(), rel=0.25)
        assert np.abs(own).max() < 5 * strangers.std()


def test_what_was_turned_can_be_turned_back() -> None:
    rotation = Rotation.of(SEED, DIMENSION)
    plain = voice(4, DIMENSION)
    np.testing.assert_allclose(rotation.back(rotation.turn(plain)), plain, atol=FLOAT_PRECISION)


def test_a_cohort_turns_as_a_whole() -> None:
    before = calibrator()
    after = turning().calibrator(before)
    assert after is not None
    assert after.calibration is before.calibration
    assert after.cohort.spread == before.cohort.spread
    np.testing.assert_allclose(
        after.cohort.vectors @ after.cohort.vectors.T,
        before.cohort.vectors @ before.cohort.vectors.T,
        atol=1e-5,
    )
    assert dataclasses.replace(after, cohort=before.cohort) != after
    assert turning().calibrator(None) is None
