"""Diaries of soaks that never were: flat in everything but the memory, which is as a test wants it."""

from __future__ import annotations

from collections.abc import Callable

from .sampling import Sample
from .soak import Diary, Plan, Rest

REST_EVERY_S = 12.0
WARM_S = 20.0


def diary(minutes: float, in_use_mb: Callable[[float], float], own_mb: Callable[[float], float]) -> Diary:
    """What is in use, and what is resident, after so many seconds of the measured time."""
    made = Diary(Plan(minutes), boots={"a"}, warm_s=WARM_S)
    over_s = 60 * minutes
    made.samples = [_sample(float(at_s), 270.0) for at_s in range(round(over_s))]
    made.latencies_ms = [(at_s / 2, 20.0 + at_s % 7) for at_s in range(round(2 * over_s))]
    made.quiet = (made.samples[0], made.samples[-1])
    at_s = WARM_S
    while at_s <= over_s:
        made.rests.append(Rest(at_s, in_use_mb(at_s - WARM_S), own_mb(at_s - WARM_S)))
        at_s += REST_EVERY_S
    return made


def _sample(at_s: float, own_mb: float) -> Sample:
    return Sample(
        at_s=at_s,
        rss_mb=own_mb + 120.0,
        own_mb=own_mb,
        children_rss_mb=160.0,
        descriptors=58,
        threads=5,
        children=4,
    )
