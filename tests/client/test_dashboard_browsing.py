"""Many streams on one terminal: pages, the worst first, a search by name, the streams alone."""

from __future__ import annotations

import msgspec
import pytest

from earwitness.dashboard.browsing import Browsing
from earwitness.dashboard.keys import keys_of
from earwitness.dashboard.state import LOSING_S, MOST_LED, DashboardState
from earwitness.dashboard.view import draw
from earwitness.events import StreamLost
from earwitness.notices import Connected

from .events import heartbeat, stream_state, verified, window

STREAMS = 64
SMALL = (80, 24)
ROOMS = [f"room{number:02d}" for number in range(STREAMS)]

Size = tuple[int, int]
# columns and lines


def many() -> DashboardState:
    state = DashboardState("ipc:///run/earwitness/events")
    state.on_event(Connected(endpoint="ipc:///run/earwitness/events"), 0.0)
    state.on_event(heartbeat([stream_state(room) for room in ROOMS]), 0.0)
    for number, room in enumerate(ROOMS):
        state.on_event(window(8_000, {"anna": 0.1 + number / 100}, stream=room), 0.1)
    return state


def lines(state: DashboardState, browsing: Browsing, size: Size = SMALL, now: float = 0.7) -> list[str]:
    return draw(state, now, *size, browsing=browsing).plain.split("\n")


def rooms(shown: list[str]) -> list[str]:
    return [line.split()[0] for line in shown if line.strip().startswith("room") and "dBFS" in line]


def pressed(state: DashboardState, browsing: Browsing, sent: bytes, size: Size = SMALL) -> list[str]:
    for key in keys_of(sent):
        assert not browsing.press(key)
        shown = lines(state, browsing, size)
    return shown


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
@pytest.mark.parametrize("alone", [False, True])
def test_the_pages_together_show_each_stream_once(size: tuple[int, int], alone: bool) -> None:
    state, browsing = many(), Browsing(alone=alone)
    first = rooms(lines(state, browsing, size))
    assert browsing.pages > 1
    seen = [*first]
    for _ in range(browsing.pages - 1):
        seen += rooms(pressed(state, browsing, b"n", size))
    assert sorted(seen) == ROOMS
    assert rooms(pressed(state, browsing, b"n", size)) == first
    assert all(len(line) <= size[0] for line in lines(state, browsing, size))


def test_80_by_24_holds_ten_streams_and_the_streams_alone_twice_as_many() -> None:
    state, browsing = many(), Browsing()
    assert len(rooms(lines(state, browsing))) >= 10
    assert len(rooms(pressed(state, browsing, b"s"))) >= 20
    assert "all" in lines(state, browsing)[-1]


def test_the_worst_come_first() -> None:
    state, browsing = many(), Browsing()
    gone = StreamLost(stream="room40", stream_id="x", start=0, stop=0, reason="unplugged", final=False)
    state.on_event(gone, 0.2)
    behind = msgspec.structs.replace(stream_state("room50"), windows_skipped=7)
    state.on_event(verified("anna", stream="room31"), 0.2)
    states = [behind if room == "room50" else stream_state(room, speaking=room == "room31") for room in ROOMS]
    states = [
        msgspec.structs.replace(each, state="lost") if each.stream == "room40" else each for each in states
    ]
    state.on_event(heartbeat(states), 0.3)
    shown = lines(state, browsing)
    assert rooms(shown)[:4] == ["room40", "room50", "room31", "room00"]
    assert any("7 windows skipped" in line for line in shown)
    assert any("64 · 1 lost · 1 losing · 1 speaking" in line for line in shown)
    state.on_event(heartbeat(states), LOSING_S)
    assert rooms(lines(state, browsing, now=LOSING_S + 1.0))[:3] == ["room40", "room31", "room00"]


def test_a_search_finds_streams_and_who_is_heard_there_until_it_is_left() -> None:
    state, browsing = many(), Browsing()
    state.on_event(verified("Bertha", stream="room63"), 0.2)
    shown = pressed(state, browsing, b"/room1")
    assert rooms(shown) == [room for room in ROOMS if room.startswith("room1")]
    assert "/room1" in shown[-1]
    assert rooms(pressed(state, browsing, b"7\r")) == ["room17"]
    assert any("search room17" in line for line in lines(state, browsing))
    assert rooms(pressed(state, browsing, b"/bert")) == ["room63"]
    assert rooms(pressed(state, browsing, b"q\x7f\x7f")) == ["room63"]  # q is a letter here
    assert any("nobody heard is called 'berq" in line for line in pressed(state, browsing, b"q"))
    assert len(rooms(pressed(state, browsing, b"\x1b"))) >= 10
    assert browsing.press("q")


def test_a_page_that_is_no_more_gives_way_to_the_last() -> None:
    state, browsing = many(), Browsing()
    lines(state, browsing)
    pressed(state, browsing, b"\x1b[F")
    assert browsing.page == browsing.pages - 1 > 0
    lines(state, browsing, (200, 200))
    assert (browsing.page, browsing.pages) == (0, 1)
    assert rooms(lines(state, browsing, (200, 200))) == ROOMS


def test_few_streams_stand_as_in_the_settings() -> None:
    state, browsing = many(), Browsing()
    state.on_event(heartbeat([stream_state("zoo"), stream_state("bar", speaking=True)]), 0.2)
    shown = lines(state, browsing)
    assert [line.split()[0] for line in shown if "dBFS" in line] == ["zoo", "bar"]
    assert "next" not in shown[-1]


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        (b"q", ["q"]),
        (b"\x1b", ["escape"]),
        (b"\x1b[5~\x1b[6~n", ["page_up", "page_down", "n"]),
        (b"\x1b[15~x", ["x"]),
        (b"\x1b[1;5Cx", ["x"]),
        (b"\xc3\xa4b", ["ä", "b"]),
        (b"\xff\x00a", ["a"]),
        (b"\x03", ["quit"]),
        (b"a\x7f\r", ["a", "backspace", "enter"]),
    ],
)
def test_what_a_terminal_sends_becomes_keys(sent: bytes, keys: list[str]) -> None:
    assert list(keys_of(sent)) == keys


def test_of_a_crowd_only_those_who_came_close_lately_are_remembered() -> None:
    state = many()
    for number in range(MOST_LED + 50):
        state.on_event(window(8_000 * number, {f"person{number:04d}": 0.9}, stream="room00"), 1.0 + number)
    assert len(state.led_at) <= MOST_LED
    assert f"person{MOST_LED + 49:04d}" in state.led_at
