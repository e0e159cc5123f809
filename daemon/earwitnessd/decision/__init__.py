"""Two ways from scored windows to an opinion: cosines against a threshold, or evidence that adds up."""

from earwitnessd.decision.bounds import Bounds, Own
from earwitnessd.decision.cosine import CosineVotes
from earwitnessd.decision.groups import Group, GroupWish
from earwitnessd.decision.opinion import Evidence, Opinion, Weight
from earwitnessd.decision.roster import Member, OwnPoint, Point, Roster
from earwitnessd.decision.sequential import Memory, SequentialTest
from earwitnessd.decision.targets import Targets

__all__ = [
    "Bounds",
    "CosineVotes",
    "Evidence",
    "Group",
    "GroupWish",
    "Member",
    "Memory",
    "Opinion",
    "Own",
    "OwnPoint",
    "Point",
    "Roster",
    "SequentialTest",
    "Targets",
    "Weight",
]
