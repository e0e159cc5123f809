"""Who is enrolled as a decision sees it: names, groups, and operating points of their own."""

from __future__ import annotations

from dataclasses import dataclass

Share = float
# 0 to 1


@dataclass(frozen=True, slots=True)
class Point:
    """An operating point: how many errors of either kind, and what is expected beforehand."""

    target_fmr: Share
    # of strangers' turns, so many may be taken for them
    target_fnmr: Share
    # of their own turns, so many may be taken for an unknown voice
    prior: Share
    # probability that a voice is theirs rather than a stranger's, before it is heard


@dataclass(frozen=True, slots=True)
class OwnPoint:
    """What differs from the settings' operating point; None: nothing."""

    target_fmr: Share | None = None
    target_fnmr: Share | None = None
    prior: Share | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return self == OwnPoint()

    def over(self, point: Point) -> Point:
        """The other point with what differs."""
        return Point(
            target_fmr=_first(self.target_fmr, point.target_fmr),
            target_fnmr=_first(self.target_fnmr, point.target_fnmr),
            prior=_first(self.prior, point.prior),
        )

    def under(self, other: OwnPoint) -> OwnPoint:
        """Both; the other's values count where there are two."""
        return OwnPoint(
            target_fmr=self.target_fmr if other.target_fmr is None else other.target_fmr,
            target_fnmr=self.target_fnmr if other.target_fnmr is None else other.target_fnmr,
            prior=self.prior if other.prior is None else other.prior,
        )


NOTHING_OWN = OwnPoint()


@dataclass(frozen=True, slots=True)
class Member:
    """One enrolled person."""

    name: str
    groups: tuple[str, ...] = ()
    # sorted
    own: OwnPoint = NOTHING_OWN


Roster = tuple[Member, ...]
# sorted by name


def _first(value: Share | None, default: Share) -> Share:
    return default if value is None else value
