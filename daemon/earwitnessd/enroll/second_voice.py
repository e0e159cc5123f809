"""Finds the stretch of a recording that sounds least like the rest of it: perhaps somebody else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from earwitnessd.capture.messages import RATE
from earwitnessd.enroll.likeness import Agreement, Likeness
from earwitnessd.enroll.taken import Taken, new_speech_of, vectors_of

MOST_BLOCKS = 60  # of windows; a longer recording is searched in coarser steps
LEAST_LLR, LEAST_SLACK = 0.0, 0.12  # below, two voices are likelier than one
SURE_LLR, SURE_SLACK = -1.0, 0.18  # one session in a hundred of one voice falls so low


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a recording against the rest."""

    start_s: float
    stop_s: float
    agreement: Agreement
    sure: bool
    # not only likelier than not

    def __str__(self) -> str:
        """For people."""
        return f"between {self.start_s:.1f} s and {self.stop_s:.1f} s ({self.agreement})"


def find_second_voice(taken: Taken, likeness: Likeness) -> Stretch | None:
    """The stretch, at most half of the recording, that another person seems to speak in."""
    firsts = list(range(0, len(taken), math.ceil(len(taken) / MOST_BLOCKS) or 1))
    candidates = list(_candidates(taken, [*firsts, len(taken)]))
    if not candidates:
        return None
    begins, ends = np.array(candidates).T
    sums = np.vstack([np.zeros(len(taken[0].vector)), np.cumsum(vectors_of(taken), axis=0)])
    spoken = np.concatenate([[0.0], np.cumsum(new_speech_of(taken))])
    parts, parts_s = sums[ends] - sums[begins], spoken[ends] - spoken[begins]
    agreements = likeness.rows(sums[-1] - parts, spoken[-1] - parts_s, parts, parts_s)
    worst = min(range(len(agreements)), key=lambda index: agreements[index].rank)
    if not likeness.falls_below(agreements[worst], LEAST_LLR, LEAST_SLACK):
        return None
    sure = likeness.falls_below(agreements[worst], SURE_LLR, SURE_SLACK)
    return Stretch(*_seconds(taken, *candidates[worst]), agreements[worst], sure)


def _candidates(taken: Taken, edges: list[int]) -> Iterator[tuple[int, int]]:
    """Stretches as (first window, window after the last): a lone window is no voice, and most is no part."""
    half_window = (taken[0].stop - taken[0].start) / 2 if taken else 0
    for begin in edges:
        for end in edges:
            if not 0 < end - begin <= (len(taken) + 1) // 2 or end - begin == len(taken):
                continue
            if taken[end - 1].start - taken[begin].start >= half_window:
                yield begin, end


def _seconds(taken: Taken, begin: int, end: int) -> tuple[float, float]:
    """Where it begins and ends; a window at its edge is only mostly of the other voice."""
    quarter = (taken[0].stop - taken[0].start) // 4
    start = taken[begin].start + (quarter if begin else 0)
    stop = taken[end - 1].stop - (quarter if end < len(taken) else 0)
    return start / RATE, stop / RATE
