"""Scores are normalised by what strangers score, on the profile's side once and on the window's each time."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from earwitnessd.calibration import Calibrator
from earwitnessd.calibration.calibrator import normalised_scores, row_statistics
from earwitnessd.calibration.cohort import Cohort, unit
from earwitnessd.score import Heard, ProfileMatrix

from ..profiles.making import like, voice
from .making import DIMENSION, calibrator, cohort

HEARD = Heard(speech_s=3.0, snr_db=20.0)


def by_hand(strangers: Cohort, exemplar: np.ndarray, window: np.ndarray) -> float:
    """Adaptive s-norm, written out."""
    one, other = (strangers.centred(each.astype(np.float32)) for each in (exemplar, window))
    total = 0.0
    for side in (one, other):
        nearest = sorted((float(side @ each) for each in strangers.vectors), reverse=True)[: strangers.top]
        total += (float(one @ other) - float(np.mean(nearest))) / strangers.spread / 2
    return total


def test_normalisation_is_adaptive_and_symmetric_with_one_spread() -> None:
    strangers = cohort()
    exemplars = np.stack([voice(seed) for seed in range(5)])
    window = voice(50)
    rows, heard = row_statistics(strangers, exemplars), row_statistics(strangers, window[np.newaxis])
    scores = normalised_scores(strangers, rows, heard)
    assert scores == pytest.approx([by_hand(strangers, each, window) for each in exemplars], abs=1e-4)


def test_what_all_voices_have_in_common_makes_nobody_alike() -> None:
    common = 3.0 * voice(7)
    strangers = Cohort.of("m", [unit(voice(seed) + common) for seed in range(100, 160)], 30)
    one, other = unit(voice(1) + common), unit(voice(2) + common)
    assert float(one @ other) > 0.8
    assert abs(float(strangers.centred(one) @ strangers.centred(other))) < 0.7


def test_only_the_strangers_most_alike_count() -> None:
    few, all_of_them = cohort(top=5), cohort(top=40)
    window = few.centred(voice(3))
    (of_few,), (of_all,) = few.middle(window), all_of_them.middle(window)
    assert of_few > of_all


def test_odd_voices_count_for_less_by_as_much_as_the_weights_say() -> None:
    strangers, plain = cohort(), calibrator()
    weights = msgspec.structs.replace(plain.calibration.weights, oddity=-2.0)
    corrected = Calibrator(strangers, msgspec.structs.replace(plain.calibration, weights=weights))
    exemplars = np.stack([unit(voice(seed) + shift * strangers.mean) for seed, shift in ((1, 0.0), (1, 3.0))])
    odd, ordinary = np.log(strangers.distance(exemplars))
    assert odd > ordinary
    window = voice(50)
    together = np.array([odd, ordinary]) + np.log(strangers.distance(window))
    scores = plain.normalised(plain.rows(exemplars), window)
    assert corrected.normalised(corrected.rows(exemplars), window) == pytest.approx(scores - 2.0 * together)
    assert corrected.paired(exemplars, np.stack([window] * 2)) == pytest.approx(
        scores - 2.0 * together, abs=1e-5
    )


def test_the_plain_cosine_counts_by_as_much_as_the_weights_say() -> None:
    strangers, plain = cohort(), calibrator()
    weights = msgspec.structs.replace(plain.calibration.weights, cosine=0.5)
    fused = Calibrator(strangers, msgspec.structs.replace(plain.calibration, weights=weights))
    exemplars, window = np.stack([voice(seed) for seed in range(20)]), voice(50)
    scores = plain.normalised(plain.rows(exemplars), window)
    more = 0.5 * 10.0 * (exemplars @ window)
    assert fused.normalised(fused.rows(exemplars), window) == pytest.approx(scores + more, abs=1e-4)


def test_a_cohort_of_copies_gives_finite_scores() -> None:
    same = Cohort.stored("m", np.zeros(DIMENSION, np.float32), np.stack([voice(1)] * 30), 30)
    one, other = (row_statistics(same, voice(seed)[np.newaxis]) for seed in (2, 3))
    scores = normalised_scores(same, one, other)
    assert np.isfinite(scores).all()


def test_everybody_gets_evidence_the_most_likely_first() -> None:
    me = voice(1)
    exemplars = [("carla", like(me, 0.2)), ("anna", like(me, -0.4)), ("ben", like(me, 0.9))]
    matrix = ProfileMatrix.build(exemplars, calibrator(), [10.0, 10.0, 10.0])
    scores = matrix.evidence(me, HEARD)
    assert [score.speaker for score in scores] == ["ben", "carla", "anna"]
    llrs = [score.llr for score in scores if score.llr is not None]
    assert len(llrs) == 3
    assert llrs == sorted(llrs, reverse=True)
    assert [score.cosine for score in scores] == [score.cosine for score in matrix.scores(me)]


def test_a_person_has_the_evidence_of_their_likeliest_exemplar() -> None:
    me = voice(1)
    exemplars = [("ben", like(me, 0.9)), ("anna", like(me, 0.3)), ("ben", like(me, 0.1))]
    alone = ProfileMatrix.build([("ben", like(me, 0.9))], calibrator(), [20.0]).evidence(me, HEARD)
    (first, _) = ProfileMatrix.build(exemplars, calibrator(), [20.0, 5.0, 20.0]).evidence(me, HEARD)
    assert first.speaker == "ben"
    assert first.llr == pytest.approx(alone[0].llr)


def test_without_a_calibration_there_are_cosines_only() -> None:
    (score,) = ProfileMatrix.build([("anna", voice(1))]).evidence(voice(2), HEARD)
    assert (score.normalised, score.llr) == (None, None)
    assert tuple(ProfileMatrix.build([], calibrator()).evidence(voice(2), HEARD)) == ()
