"""Draw the profiles: a row each, with the history of its scores."""

from __future__ import annotations

from rich.text import Text

from .. import palette
from ..events import SpeakerVerified
from ..words import clean, number
from .cells import cell, heading, more
from .layout import Layout
from .meters import sparkline
from .state import DashboardState, StreamPanel

LATELY = 3  # windows for which a score still counts as the present one


def profile_lines(
    state: DashboardState, now: float, width: int, layout: Layout, name_width: int
) -> list[Text]:
    """The profiles heard last, in the order of their names."""
    panel = state.streams.get(state.focus or "")
    total = max(len(state.led_at), state.heartbeat.profiles if state.heartbeat else 0)
    if panel is None or not state.led_at:
        nobody = (
            "nobody is enrolled: earwitness enroll NAME" if total == 0 else f"{total} enrolled, not heard yet"
        )
        return [heading("profiles", "", width), Text(nobody, palette.DIM)]
    recent = sorted(state.led_at, key=lambda name: (-state.led_at[name], name))[: layout.profiles]
    threshold = panel.threshold
    notes = [more(total - len(recent))]
    if len(state.streams) > 1:
        notes.append(f"on {clean(panel.name)}")
    if threshold is not None:
        notes.append(f"threshold {number(threshold)}")
    title = heading("profiles", " · ".join(note for note in notes if note), width)
    lines = [title]
    for name in sorted(recent):
        lines += _profile(panel, name, now, width, name_width, layout.profile_lines, stale=state.stale(now))
    return lines


def _profile(
    panel: StreamPanel, name: str, now: float, width: int, name_width: int, rows: int, *, stale: bool
) -> list[Text]:
    history = [(window.scores.get(name), window.conclusive) for window in panel.windows]
    last = next((cosine for cosine, _ in reversed(history[-LATELY:]) if cosine is not None), None)
    current = panel.current(now)
    speaking = isinstance(current, SpeakerVerified) and current.speaker == name
    accepted = last is not None and panel.threshold is not None and last >= panel.threshold
    alive = palette.DIM if stale else palette.GOOD
    spark_width = max(1, width - name_width - 2 - 7 - 11)
    *upper, lowest = sparkline(history, panel.threshold, spark_width, rows=rows, stale=stale)
    indent = Text(" " * (name_width + 2))
    return [
        *(Text.assemble(indent, row) for row in upper),
        Text.assemble(
            (cell(name, name_width), f"bold {alive}" if speaking else ""),
            "  ",
            lowest,
            (f"{number(last):>7}", alive if accepted else palette.DIM),
            (f"{'verified' if speaking else '':>11}", alive),
        ),
    ]
