"""Draw the dashboard: a pure function of state, time and size."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from rich.cells import cell_len
from rich.text import Text

from .. import palette
from ..words import clean, span
from .browsing import Browsing
from .cells import both_ends, cell, fit, heading
from .health import health_lines
from .layout import Layout, share
from .profiles import profile_lines
from .state import DashboardState
from .streams import stream_lines

MARGIN = 1


def draw(
    state: DashboardState,
    now: float,
    width: int,
    height: int,
    *,
    wall_offset_s: float = 0.0,
    zone: tzinfo = UTC,
    browsing: Browsing | None = None,
) -> Text:
    """Return at most `height` lines, none wider than `width` cells."""
    if width < 1 or height < 1:
        return Text()
    inner = max(1, width - 2 * MARGIN)
    browsing = browsing or Browsing()
    body = _body(state, now, inner, height - 2, wall_offset_s, zone, browsing)
    lines = [_header(state, now, inner), *body[: max(0, height - 2)]]
    lines += [Text()] * (height - 1 - len(lines))
    if height > 1:
        lines.append(_footer(state, browsing, inner))
    margin = Text(" " * MARGIN)
    fitted = (fit(Text.assemble(margin, fit(line, inner)), width) for line in lines[:height])
    return Text("\n", no_wrap=True, overflow="crop", end="").join(fitted)


def _body(
    state: DashboardState,
    now: float,
    width: int,
    height: int,
    wall_offset_s: float,
    zone: tzinfo,
    browsing: Browsing,
) -> list[Text]:
    if not state.streams and state.heartbeat is None:
        return _waiting(state)
    layout = share(state, height, alone=browsing.alone)
    name_width = _name_width(state, width)
    blank = [Text()] if layout.airy else []
    lines = [Text()] if layout.top else []
    lines += stream_lines(state, now, width, layout, name_width, browsing)
    if layout.profiles:
        lines += blank + profile_lines(state, now, width, layout, name_width)
    if layout.health:
        lines += blank + health_lines(state, width, name_width)
    if layout.events:
        lines += blank + event_lines(state, width, layout, name_width, wall_offset_s, zone)
    return lines


def _name_width(state: DashboardState, width: int) -> int:
    longest = max((cell_len(name) for name in (*state.streams, *state.led_at)), default=0)
    return min(max(9, longest), max(9, width // 6))


def _header(state: DashboardState, now: float, width: int) -> Text:
    age_s = state.heartbeat_age_s(now)
    if not state.connected:
        dot, says = palette.WARN, Text(clean(state.trouble) or "connecting", palette.WARN)
    elif state.heartbeat is not None and state.stale(now):
        dot, says = palette.WARN, Text(f"no heartbeat for {span(age_s)}", palette.WARN)
    else:
        dot, says = palette.GOOD, Text("live", palette.GOOD)
    left = Text.assemble(("● ", dot), ("earwitness", "bold"))
    about = [clean(state.model.rpartition("/")[2]), clean(state.device)]
    if (uptime_s := state.uptime_s(now)) is not None:
        about.append(f"up {span(uptime_s)}")
    left.append("   " + " · ".join(part for part in about if part), palette.DIM)
    return both_ends(left, says, width)


def _footer(state: DashboardState, browsing: Browsing, width: int) -> Text:
    if browsing.typing:
        sought = Text.assemble(("/", palette.ACCENT), clean(browsing.search), ("▏", palette.ACCENT))
        return both_ends(sought, Text("Enter keeps it, Esc leaves", palette.DIM), width)
    keys = [("q", "quit")]
    if browsing.pages > 1:
        keys += [("n", "next"), ("p", "back")]
    if len(state.streams) > 1 or browsing.alone:
        keys += [("/", "search"), ("s", "all" if browsing.alone else "streams only")]
    if browsing.search:
        keys.append(("Esc", "all streams"))
    told = Text("  ").join(
        Text.assemble((key, palette.ACCENT), (f" {does}", palette.DIM)) for key, does in keys
    )
    return both_ends(told, Text("evidence, not a login", palette.DIM), width)


def _waiting(state: DashboardState) -> list[Text]:
    if state.connected:
        return [Text(), Text("connected; waiting for the first heartbeat", palette.DIM)]
    return [
        Text(),
        Text(f"waiting for earwitnessd at {clean(state.endpoint)}", palette.DIM),
        Text(),
        Text.assemble(
            ("start it with ", palette.DIM),
            ("earwitnessd run", "bold"),
            (" or see it with ", palette.DIM),
            ("earwitnessd demo", "bold"),
        ),
    ]


def event_lines(
    state: DashboardState, width: int, layout: Layout, name_width: int, wall_offset_s: float, zone: tzinfo
) -> list[Text]:
    """What happened, newest first."""
    lines = [heading("events", "", width)]
    for entry in list(state.log)[: layout.events]:
        clock = datetime.fromtimestamp(entry.at + wall_offset_s, zone).strftime("%H:%M:%S")
        lines.append(
            Text.assemble(
                (f"{clock}  ", palette.DIM),
                (cell(entry.stream, name_width), palette.DIM),
                "  ",
                (entry.line.text, palette.TONES[entry.line.tone]),
            )
        )
    return lines
