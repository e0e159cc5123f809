"""Durations as people type them: 500ms, 5s, 2m, 1h."""

from __future__ import annotations

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds; ValueError says what was found and what is allowed."""
    if (found := _FORM.fullmatch(text.strip())) is None:
        raise ValueError(f"{text!r} is no duration: a number and its unit, such as 500ms, 5s, 2m or 1h")
    return float(found[1]) * _SECONDS[found[2]]
