"""How a score becomes the height of a column, and evidence a gauge between its bounds."""

from __future__ import annotations

import math

import msgspec
from rich.text import Text

from .. import palette
from ..events import ProfileScore

BELOW, ABOVE = 0.5, 0.25  # how much of the cosine axis around the threshold is shown
KEPT = 3.0  # nats: so much evidence beyond a bound is shown
GAUGE = 12  # cells
TO_REJECT = 4  # of these, left of the middle


class Column(msgspec.Struct, frozen=True):
    """One window of a history."""

    share: float | None
    # of the axis, 0 to 1; None: nothing was scored
    reached: bool
    # what verifies
    counts: bool
    # the window decided something, or added to what decides


def column(score: ProfileScore | None, threshold: float | None, *, counts: bool) -> Column:
    """By evidence where there is any, else by cosine."""
    if score is None:
        return Column(None, reached=False, counts=counts)
    bounds = bounds_of(score)
    if bounds is None or score.evidence is None:
        reached = threshold is not None and score.cosine >= threshold
        return Column(_by_cosine(score.cosine, threshold), reached, counts)
    reject, accept = bounds
    share = (score.evidence - reject) / (accept + KEPT - reject)
    return Column(_finite(share), score.evidence >= accept, counts)


def bounds_of(score: ProfileScore) -> tuple[float, float] | None:
    """Evidence for an unknown voice and for this person, if they make sense."""
    reject, accept = score.reject, score.accept
    if reject is None or accept is None or not -math.inf < reject < 0.0 < accept < math.inf:
        return None
    return reject, accept


def gauge(score: ProfileScore | None, *, stale: bool = False) -> Text:
    """Evidence from the middle on, full at the bounds: to the left it is nobody, to the right this person."""
    bounds = bounds_of(score) if score else None
    if score is None or bounds is None or score.evidence is None or not math.isfinite(score.evidence):
        return Text("─" * GAUGE, palette.FAINT)
    reject, accept = bounds
    right = GAUGE - TO_REJECT - 1
    against = round(TO_REJECT * min(max(score.evidence / reject, 0.0), 1.0))
    towards = round(right * min(max(score.evidence / accept, 0.0), 1.0))
    if towards == right and score.evidence < accept:
        towards -= 1  # what is nearly enough is not enough
    reached = palette.GOOD if score.evidence >= accept else palette.DIM
    doubted = palette.WARN if score.evidence <= reject else palette.DIM
    return Text.assemble(
        ("─" * (TO_REJECT - against), palette.FAINT),
        ("━" * against, palette.FAINT if stale else doubted),
        ("┼", palette.FAINT),
        ("━" * towards, palette.FAINT if stale else reached),
        ("─" * (right - towards), palette.FAINT),
    )


def _by_cosine(cosine: float, threshold: float | None) -> float | None:
    middle = 0.5 if threshold is None or not math.isfinite(threshold) else threshold
    low, high = max(-1.0, middle - BELOW), min(1.0, middle + ABOVE)
    return _finite((cosine - low) / (high - low) if high > low else 0.0)


def _finite(share: float) -> float | None:
    return min(max(share, 0.0), 1.0) if math.isfinite(share) else None
