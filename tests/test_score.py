"""A window against everybody: by the nearest exemplar, the most alike first."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.score import ProfileMatrix

from .profiles.making import like, voice

ME = voice(1)


def test_nobody_enrolled_gives_no_scores() -> None:
    matrix = ProfileMatrix.build([])
    assert matrix.names == ()
    assert tuple(matrix.scores(ME)) == ()


def test_everybody_is_scored_the_most_alike_first() -> None:
    matrix = ProfileMatrix.build([("carla", like(ME, 0.2)), ("anna", like(ME, -0.4)), ("ben", like(ME, 0.9))])
    scores = matrix.scores(ME)
    assert [score.speaker for score in scores] == ["ben", "carla", "anna"]
    assert [score.cosine for score in scores] == pytest.approx([0.9, 0.2, -0.4], abs=1e-6)


def test_a_person_scores_as_their_nearest_exemplar() -> None:
    exemplars = [
        ("anna", like(ME, 0.1)),
        ("ben", like(ME, 0.5)),
        ("anna", like(ME, 0.8)),
        ("anna", like(ME, 0.3)),
    ]
    matrix = ProfileMatrix.build(exemplars)
    assert matrix.names == ("anna", "ben")
    assert [(score.speaker, round(score.cosine, 4)) for score in matrix.scores(ME)] == [
        ("anna", 0.8),
        ("ben", 0.5),
    ]


def test_the_order_of_enrolment_does_not_matter() -> None:
    random = np.random.default_rng(5)
    exemplars = [(f"person{index % 7}", voice(index)) for index in range(30)]
    expected = tuple(ProfileMatrix.build(exemplars).scores(ME))
    for _ in range(20):
        shuffled = [exemplars[index] for index in random.permutation(30)]
        assert tuple(ProfileMatrix.build(shuffled).scores(ME)) == expected


def test_scores_are_what_comparing_one_by_one_gives() -> None:
    exemplars = [(f"person{index % 5}", voice(index)) for index in range(23)]
    by_hand: dict[str, float] = {}
    for name, vector in exemplars:
        by_hand[name] = max(by_hand.get(name, -1.0), float(vector @ ME))
    scores = {score.speaker: score.cosine for score in ProfileMatrix.build(exemplars).scores(ME)}
    assert scores == pytest.approx(by_hand, abs=1e-6)


def test_people_who_are_equally_alike_come_by_name() -> None:
    matrix = ProfileMatrix.build([("ben", ME), ("anna", ME)])
    assert [score.speaker for score in matrix.scores(ME)] == ["anna", "ben"]


def test_rounding_never_leads_beyond_a_cosine() -> None:
    vectors = [voice(seed, 256) for seed in range(200)]
    assert max(float(vector @ vector) for vector in vectors) > 1.0
    for vector in vectors:
        (score,) = ProfileMatrix.build([("anna", vector)]).scores(vector)
        assert score.cosine <= 1.0
