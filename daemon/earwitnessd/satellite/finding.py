"""One thing that `earwitness-mic check` looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """For people."""

    subject: str
    fine: bool
    says: str
