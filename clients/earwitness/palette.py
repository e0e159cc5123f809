"""The colours of the terminal programs: few, and quiet on dark and light backgrounds."""

from __future__ import annotations

from .words import Tone

GOOD = "#7fb685"
WARN = "#d9a441"
BAD = "#d9676b"
ACCENT = "#7aa2d4"
DIM = "#7b8494"
FAINT = "#4b5260"

TONES: dict[Tone, str] = {"good": GOOD, "warn": WARN, "bad": BAD, "news": ACCENT, "calm": DIM}
