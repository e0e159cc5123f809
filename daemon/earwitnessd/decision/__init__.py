"""Two ways from scored windows to an opinion: cosines against a threshold, or evidence that adds up."""

from earwitnessd.decision.cosine import CosineVotes
from earwitnessd.decision.opinion import Evidence, Opinion
from earwitnessd.decision.sequential import Bounds, Memory, SequentialTest

__all__ = ["Bounds", "CosineVotes", "Evidence", "Memory", "Opinion", "SequentialTest"]
