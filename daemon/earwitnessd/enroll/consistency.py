"""Leave-one-out: each window of a session against all others that share no audio with it."""

from __future__ import annotations

from statistics import median

import numpy as np

from earwitnessd.enroll.likeness import Agreement, Likeness
from earwitnessd.enroll.taken import Taken, new_speech_of, vectors_of

Agreements = tuple[Agreement | None, ...]
# of each window; None: all others share audio with it


def leave_one_out(taken: Taken, likeness: Likeness) -> Agreements:
    """How each window agrees with the rest."""
    if not taken:
        return ()
    apart = np.array([[a.start >= b.stop or b.start >= a.stop for b in taken] for a in taken], dtype=float)
    kept = np.flatnonzero(apart.any(axis=1))
    found: list[Agreement | None] = [None] * len(taken)
    if kept.size:
        vectors = vectors_of(taken)
        others = (apart[kept] @ vectors).astype(np.float32)
        heard_s = np.array([taken[index].speech_s for index in kept.tolist()])
        agreements = likeness.rows(others, apart[kept] @ new_speech_of(taken), vectors[kept], heard_s)
        for index, agreement in zip(kept.tolist(), agreements, strict=True):
            found[index] = agreement
    return tuple(found)


def lowest_cosine(agreements: Agreements) -> float | None:
    """Of the window that fits worst."""
    return min((each.cosine for each in agreements if each), default=None)


def median_llr(agreements: Agreements) -> float | None:
    """Of the middle window; None without a calibration."""
    known = [each.llr for each in agreements if each and each.llr is not None]
    return median(known) if known else None
