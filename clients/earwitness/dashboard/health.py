"""Draw how quick the daemon is and what was lost."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from .. import palette
from ..words import number
from .cells import cell, fit, heading
from .state import DashboardState


def health_lines(state: DashboardState, width: int, name_width: int) -> list[Text]:
    """Latency and losses under their heading."""
    label_width = name_width + 2
    latency = Text.assemble(
        (cell("latency", label_width), palette.DIM),
        f"p50 {number(state.latency_percentile_ms(0.5), '.0f')} ms  "
        f"p99 {number(state.latency_percentile_ms(0.99), '.0f')} ms",
    )
    if state.latencies:
        last = state.latencies[-1]
        stages = (
            ("capture", last.capture),
            ("queue", last.queue),
            ("embed", last.embed),
            ("decide", last.decide),
        )
        latency.append(
            "   " + " · ".join(f"{stage} {number(ms, '.0f')}" for stage, ms in stages), palette.DIM
        )
    losses = _losses(state)
    lost = Text.assemble(
        (cell("losses", label_width), palette.DIM),
        (" · ".join(losses), palette.WARN) if losses else ("none", palette.GOOD),
    )
    busy = f"engine {number(100 * state.heartbeat.engine.busy, '.0f')} % busy" if state.heartbeat else ""
    return [heading("health", busy, width), fit(latency, width), fit(lost, width)]


def _losses(state: DashboardState) -> list[str]:
    counters = [panel.counters for panel in state.streams.values() if panel.counters is not None]
    samples = sum(stream.lost_samples for stream in counters)
    counted: Iterable[tuple[int, str]] = (
        (sum(stream.gaps for stream in counters), "gap"),
        (sum(stream.overflows for stream in counters), "overflow"),
        (sum(stream.stalls for stream in counters), "stall"),
        (sum(stream.windows_skipped for stream in counters), "window skipped|windows skipped"),
        (sum(stream.restarts for stream in counters), "capture restart"),
        (state.missed, "event missed here|events missed here"),
    )
    losses = [f"{samples / 16_000:.2f} s of audio"] if samples else []
    for count, noun in counted:
        one, _, many = noun.partition("|")
        if count:
            losses.append(f"{count} {one if count == 1 else many or one + 's'}")
    return losses
