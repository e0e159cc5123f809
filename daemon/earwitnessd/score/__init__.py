"""Compares windows with everybody who is enrolled, be it two people or a hundred thousand."""

from earwitnessd.score.likeness import NOBODY, Score, Scores
from earwitnessd.score.matrix import Heard, ProfileMatrix, Vector

__all__ = ["NOBODY", "Heard", "ProfileMatrix", "Score", "Scores", "Vector"]
