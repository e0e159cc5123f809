"""Marks windows in which two people speak at once: what is heard in them is nobody's voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from earwitnessd.engines import OverlapDetector
from earwitnessd.hearing import HeardWindow

OVERLAP = "overlap"


@dataclass(frozen=True, eq=False, slots=True)
class OverlapWatch:
    """A detector, and how much of it a window bears."""

    detector: OverlapDetector
    max_share: float
    # of a window, 0 to 1

    def marked(self, windows: Sequence[HeardWindow], wanted: Sequence[bool]) -> list[HeardWindow]:
        """All windows in order; only those are listened to that are embedded too."""
        rows = [index for index, wants in enumerate(wanted) if wants]
        marked = list(windows)
        if not rows:
            return marked
        shares = self.detector.shares(np.stack([windows[index].window.samples for index in rows]))
        for index, share in zip(rows, shares, strict=True):
            reasons = windows[index].reasons
            reasons = (*reasons, OVERLAP) if share > self.max_share else reasons
            marked[index] = msgspec.structs.replace(windows[index], reasons=reasons, overlap=float(share))
        return marked
