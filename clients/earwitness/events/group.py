"""The decision about groups and watchlists: whether anyone of them is speaking on a stream."""

from __future__ import annotations

from .base import StreamEvent
from .units import Cosine, Fraction, LogRatio, Samples, Seconds


class GroupEvent(StreamEvent, frozen=True, kw_only=True):
    """What every event about a group has."""

    group: str
    """which; the last part of the topic"""

    @property
    def state_key(self) -> str | None:
        """A stream has a last value for each group."""
        return f"{self.state_group}:{self.stream}:{self.group}"


class AnyoneHeard(GroupEvent, frozen=True, kw_only=True):
    """What is told of a group while anyone of it is being heard."""

    members: int
    """so many are enrolled; the evidence needed grows with them, and the asked false-match rate holds for all
    of them together"""
    likeliest: str
    """the member most alike: a hint, it is not decided who of them it is"""
    score: Cosine
    """of the member most alike, in this window"""
    threshold: Cosine
    """what decides where `llr` is null; else it only compares"""
    posterior: Fraction | None = None
    """probability that it is anyone of the group; null: decided by cosine"""
    llr: LogRatio | None = None
    """log likelihood ratio for anyone of the group, by all that was heard lately; null: decided by cosine"""
    llr_bound: LogRatio | None = None
    """what `llr` has to reach anew; null: decided by cosine"""
    evidence_s: Seconds
    """net speech since `since`, with the first window's"""
    since: Samples
    """position at which it was first so"""
    ttl_s: Seconds
    """without a newer event, treat as no longer true after this"""


class GroupVerified(AnyoneHeard, frozen=True, kw_only=True, tag="group.verified"):
    """Anyone of a group is speaking, whoever it is; said again while it stays so, before `ttl_s` runs out."""

    state_group = "group"


class GroupLost(GroupEvent, frozen=True, kw_only=True, tag="group.lost"):
    """Nobody of the group is being heard any more."""

    state_group = "group"

    reason: str
    """`silence`, `inconclusive`, `another_voice`, `stream`, `profile`"""


class WatchlistHit(AnyoneHeard, frozen=True, kw_only=True, tag="watchlist.hit"):
    """Anyone on a watchlist is speaking; said again while it stays so, before `ttl_s` runs out."""

    state_group = "watchlist"


class WatchlistLost(GroupEvent, frozen=True, kw_only=True, tag="watchlist.lost"):
    """A hit is over: nobody on the watchlist is being heard any more."""

    state_group = "watchlist"

    reason: str
    """`silence`, `inconclusive`, `another_voice`, `stream`, `profile`"""
