"""Draw the streams: level, speech, and who speaks or why nobody can say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from .. import palette
from ..events import GroupVerified, SpeakerLost, SpeakerUnknown, SpeakerVerified, WatchlistHit
from ..words import clean, link, number, reasons, somebody, span, unknown_voice, verdict
from .browsing import Browsing
from .cells import cell, fit, heading, more
from .layout import Layout
from .meters import level_meter
from .state import RANKS, DashboardState, StreamPanel

BAR_MIN, BAR_MAX = 10, 48
LISTENING = "listening"
MANY = 8  # streams from which on they are counted in the heading


def stream_lines(
    state: DashboardState, now: float, width: int, layout: Layout, name_width: int, browsing: Browsing
) -> list[Text]:
    """All streams, or one page of them."""
    shown = browsing.cut(list(state.streams.values()), layout.streams, now)
    summary, notes = _summary(state, now), _notes(state, browsing, len(shown))
    lines = [heading(f"streams {summary}".rstrip(), notes, width)]
    stale = state.stale(now)
    for panel in shown:
        if layout.stream_lines == 3 and len(lines) > 1:
            lines.append(Text())
        if layout.stream_lines > 1:
            lines += [
                _stream_line(panel, now, width, name_width, stale),
                Text.assemble(" " * (name_width + 2), _testimony(panel, now, stale)),
            ]
        else:
            lines.append(_compact_stream(panel, now, width, name_width, stale))
    if not shown:
        lines.append(Text(f"no stream and nobody heard is called {browsing.search!r}", palette.DIM))
    return lines


def _summary(state: DashboardState, now: float) -> str:
    """Of many streams: how many there are, and how many of them are not well or in use."""
    if len(state.streams) < MANY:
        return ""
    counts = Counter(panel.standing(now) for panel in state.streams.values())
    told = [f"{counts[standing]} {standing}" for standing in RANKS if standing != "live" and counts[standing]]
    return " · ".join([str(len(state.streams)), *told])


def _notes(state: DashboardState, browsing: Browsing, shown: int) -> str:
    """What part of them is shown."""
    sought = [f"search {clean(browsing.search)}"] if browsing.search and not browsing.typing else []
    if browsing.pages == 1:
        hidden = len(state.streams) - shown
        return " · ".join([*sought, *([more(hidden)] if hidden and not browsing.search else [])])
    return " · ".join([*sought, f"page {browsing.page + 1} of {browsing.pages}, worst first"])


def _stream_line(panel: StreamPanel, now: float, width: int, name_width: int, stale: bool) -> Text:
    bar = min(BAR_MAX, max(BAR_MIN, width * 3 // 10))
    return fit(
        Text.assemble(
            _level(panel, now, bar, name_width, stale),
            _speech(panel, stale),
            (f"  {clean(panel.device)}{_link(panel)}", palette.DIM),
        ),
        width,
    )


def _compact_stream(panel: StreamPanel, now: float, width: int, name_width: int, stale: bool) -> Text:
    left = _level(panel, now, max(6, width // 8), name_width, stale)
    left.append("● " if panel.speaking else "  ", palette.FAINT if stale else palette.ACCENT)
    return fit(Text.assemble(left, _losing(panel, now), _testimony(panel, now, stale)), width)


def _losing(panel: StreamPanel, now: float) -> Text:
    counters = panel.counters
    if counters is None or panel.standing(now) != "losing":
        return Text()
    lost = f"{counters.windows_skipped} windows skipped" if counters.windows_skipped else "audio lost"
    return Text(f"{lost} · ", palette.WARN)


def _level(panel: StreamPanel, now: float, bar: int, name_width: int, stale: bool) -> Text:
    level = panel.level_dbfs if panel.condition == "live" else None
    return Text.assemble(
        (cell(panel.name, name_width), palette.DIM if stale else "bold"),
        "  ",
        level_meter(level, panel.peak(now), bar, stale=stale),
        (f"{number(level, '.0f'):>5} dBFS  ", palette.DIM),
    )


def _link(panel: StreamPanel) -> str:
    """How the link to the microphone is, where it is not of the daemon's machine."""
    state = panel.counters.link if panel.counters else None
    return f"  ({link(state)})" if state else ""


def _speech(panel: StreamPanel, stale: bool) -> Text:
    if panel.condition != "live":
        return Text(f"{panel.condition:<9}", palette.BAD if panel.condition == "lost" else palette.WARN)
    if panel.speaking:
        return Text("● speech ", palette.FAINT if stale else palette.ACCENT)
    return Text("○ silence", palette.DIM)


def _testimony(panel: StreamPanel, now: float, stale: bool) -> Text:
    """Who speaks, how sure that is, or why nobody can say."""
    if panel.condition != "live":
        return _absence(panel)
    if (enrolment := panel.enrolling(now)) is not None:
        return _enrolment(
            enrolment.speaker, enrolment.speech_s, enrolment.needed_s, enrolment.state, enrolment.hint
        )
    verdict_now = panel.current(now)
    faded = palette.DIM if stale else None
    if isinstance(verdict_now, SpeakerVerified):
        says = Text.assemble(
            (clean(verdict_now.speaker), faded or f"bold {palette.GOOD}"),
            ("  " + verdict(verdict_now), faded or palette.GOOD),
        )
    elif groups := [event for event in panel.heard_of(now) if isinstance(event, GroupVerified)]:
        says = Text(", ".join(map(somebody, groups)), faded or palette.GOOD)
    elif isinstance(verdict_now, SpeakerUnknown):
        says = Text(unknown_voice(verdict_now), faded or palette.WARN)
    elif panel.speaking:
        says = Text(LISTENING, palette.DIM)
    elif isinstance(verdict_now, SpeakerLost) and verdict_now.previous:
        says = Text(f"nobody; before that {clean(verdict_now.previous)}", palette.DIM)
    else:
        says = Text("nobody", palette.DIM)
    if panel.speaking and panel.inconclusive:
        why = reasons(panel.inconclusive)
        if says.plain == LISTENING:
            says = Text(f"inconclusive: {why}", palette.DIM)
        else:
            says.append(f" · now {why}", palette.DIM)
    doubts = verdict_now.doubts if isinstance(verdict_now, SpeakerVerified | SpeakerUnknown) else ()
    return Text.assemble(_watched(panel, now, faded), says, _doubtful(doubts, faded))


def _watched(panel: StreamPanel, now: float, faded: str | None) -> Text:
    """Watchlists come first: whoever watches for somebody must not miss it."""
    lists = [clean(event.group) for event in panel.heard_of(now) if isinstance(event, WatchlistHit)]
    return Text(f"on watchlist {', '.join(lists)} · " if lists else "", faded or f"bold {palette.BAD}")


def _doubtful(doubts: Sequence[str], faded: str | None) -> Text:
    return Text(f" · doubtful: {reasons(doubts)}" if doubts else "", faded or palette.WARN)


def _absence(panel: StreamPanel) -> Text:
    why = clean(panel.reason) or panel.condition
    if panel.counters and panel.counters.link and panel.counters.link.state != "up":
        why = link(panel.counters.link) + (f": {clean(panel.reason)}" if panel.reason else "")
    if panel.condition == "lost":
        return Text(f"{why}; reopening", palette.BAD)
    return Text(why, palette.DIM)


def _enrolment(speaker: str, speech_s: float, needed_s: float, state: str, hint: str) -> Text:
    who = clean(speaker)
    if state != "listening":
        colour = palette.GOOD if state == "done" else palette.WARN
        return Text(
            f"enrolling {who}: {state}" + (f", {clean(hint)}" if hint and state != "done" else ""), colour
        )
    share = speech_s / needed_s if needed_s > 0 and math.isfinite(speech_s / needed_s) else 0.0
    filled = round(12 * min(max(share, 0.0), 1.0))
    return Text.assemble(
        (f"enrolling {who}  ", f"bold {palette.ACCENT}"),
        ("━" * filled, palette.ACCENT),
        ("─" * (12 - filled), palette.FAINT),
        (f"  {number(speech_s, '.1f')} of {span(needed_s)} · {clean(hint)}", palette.ACCENT),
    )
