"""Share the height of the terminal among the parts."""

from __future__ import annotations

import msgspec

from .state import DashboardState

TINY, SMALL, NORMAL, AIRY = 8, 12, 21, 30
# lines of body from which on: profiles and events; health; blank lines at top and bottom; everywhere


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines each part gets, without its heading."""

    streams: int
    # how many are shown
    stream_lines: int
    # each: 1 meter and verdict side by side, 2 below each other, 3 with a blank line between
    profiles: int = 0
    # how many are shown
    profile_lines: int = 1
    # each: 1 or 2, the height of the sparkline
    health: bool = False
    events: int = 0
    top: bool = False
    # a blank line above all, and one below
    airy: bool = False
    # a blank line above each heading


def share(state: DashboardState, height: int, *, alone: bool = False) -> Layout:
    """Events get what is left by the streams and the profiles, but never nothing; `alone`, streams get it."""
    streams, profiles = len(state.streams), max(1, len(state.led_at))
    if alone:
        top = height >= NORMAL
        return Layout(streams=max(1, min(streams, height - 1 - top)), stream_lines=1, top=top)
    if height < TINY:
        return Layout(streams=min(streams, max(1, height - 1)), stream_lines=1)
    health, airy = height >= SMALL, height >= AIRY
    free = height - 3 - 3 * health - (5 if airy else 2 * (height >= NORMAL))
    crowded = streams > free // 2
    for_events = max(1, min(6, free // (8 if crowded else 4)))
    profile_lines = 2 if airy and 2 * profiles <= (free - for_events) // 2 else 1
    for_profiles = min(profiles * profile_lines, max(1, (free - for_events) // (5 if crowded else 2)))
    stream_lines, streams = _streams(streams, free - for_events - for_profiles, airy=airy)
    used = _stream_height(streams, stream_lines)
    profiles = max(1, min(profiles, (free - for_events - used) // profile_lines))
    return Layout(
        streams=streams,
        stream_lines=stream_lines,
        profiles=profiles,
        profile_lines=profile_lines,
        health=health,
        events=max(0, free - used - profiles * profile_lines),
        top=height >= NORMAL,
        airy=airy,
    )


def _streams(wanted: int, room: int, *, airy: bool) -> tuple[int, int]:
    for lines in (3, 2) if airy else (2,):
        if _stream_height(wanted, lines) <= room:
            return lines, wanted
    return 1, min(wanted, max(1, room))


def _stream_height(streams: int, lines: int) -> int:
    return streams * lines - (1 if lines == 3 and streams else 0)
