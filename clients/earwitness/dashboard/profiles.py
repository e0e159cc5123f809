"""Draw the profiles: a row each, with the history of its scores."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from rich.text import Text

from .. import palette
from ..events import ProfileScore, SpeakerVerified
from ..words import clean, following, number
from .cells import cell, heading, more
from .layout import Layout
from .meters import sparkline
from .scale import GAUGE, bounds_of, column, gauge
from .state import DashboardState, ScoredWindow, StreamPanel

LATELY = 3  # windows for which a score still counts as the present one
FIGURE, SAYS = 7, 11  # cells
GAUGED = 64  # cells of width from which on there is room for a gauge


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
        return [heading("profiles", _followed(state), width), Text(nobody, palette.DIM)]
    recent = sorted(state.led_at, key=lambda name: (-state.led_at[name], name))[: layout.profiles]
    notes = [more(total - len(recent))]
    if len(state.streams) > 1:
        notes.append(f"on {clean(panel.name)}")
    notes.append(_followed(state))
    notes.append(_scale(panel, recent))
    lines = [heading("profiles", " · ".join(note for note in notes if note), width)]
    for name in sorted(recent):
        lines += _profile(panel, name, now, width, name_width, layout.profile_lines, stale=state.stale(now))
    return lines


def _followed(state: DashboardState) -> str:
    """Whose people they are, where they are another daemon's."""
    whose = state.heartbeat.following if state.heartbeat else None
    return following(whose) if whose else ""


def _scale(panel: StreamPanel, names: Iterable[str]) -> str:
    """What the scores have to reach."""
    scores = [last for name in names if (last := _latest(panel.windows, name))]
    bounds = [found for each in scores if (found := bounds_of(each))]
    if bounds:
        unknown = _range(reject for reject, _ in bounds)
        return f"evidence in nats: unknown {unknown}, verified {_range(accept for _, accept in bounds)}"
    return "" if panel.threshold is None else f"threshold {number(panel.threshold)}"


def _range(values: Iterable[float]) -> str:
    """One value, or the least and the most."""
    ordered = sorted(values)
    least, most = number(ordered[0], "+.1f"), number(ordered[-1], "+.1f")
    return least if least == most else f"{least} to {most}"


def _latest(windows: Sequence[ScoredWindow] | deque[ScoredWindow], name: str) -> ProfileScore | None:
    """The newest score in these windows."""
    return next((found for each in reversed(windows) if (found := each.scores.get(name))), None)


def _profile(
    panel: StreamPanel, name: str, now: float, width: int, name_width: int, rows: int, *, stale: bool
) -> list[Text]:
    windows = list(panel.windows)
    history = [column(each.scores.get(name), panel.threshold, counts=each.counts) for each in windows]
    latest = _latest(panel.windows, name)
    last = _latest(windows[-LATELY:], name)
    evident = latest is not None and bounds_of(latest) is not None
    reached = column(last, panel.threshold, counts=True).reached
    alive = palette.DIM if stale else palette.GOOD
    meter = evident and width >= GAUGED
    spark_width = max(1, width - name_width - 2 - FIGURE - SAYS - (GAUGE + 2 if meter else 0))
    *upper, lowest = sparkline(history, spark_width, rows=rows, stale=stale)
    indent = Text(" " * (name_width + 2))
    figure = None if last is None else last.evidence if evident else last.cosine
    says, tone = _says(panel, name, now)
    return [
        *(Text.assemble(indent, row) for row in upper),
        Text.assemble(
            (cell(name, name_width), f"bold {alive}" if says == "verified" else ""),
            "  ",
            lowest,
            Text.assemble("  ", gauge(last, stale=stale)) if meter else "",
            (f"{number(figure, '+.1f' if evident else '.2f'):>{FIGURE}}", alive if reached else palette.DIM),
            (f"{says:>{SAYS}}", palette.DIM if stale else tone),
        ),
    ]


def _says(panel: StreamPanel, name: str, now: float) -> tuple[str, str]:
    """What is in force about this person, and in which colour."""
    current = panel.current(now)
    if not isinstance(current, SpeakerVerified) or current.speaker != name:
        return "", palette.DIM
    return ("doubtful", palette.WARN) if current.doubts else ("verified", palette.GOOD)
