"""The picture: it fits, and it says what matters."""

from __future__ import annotations

import math
import random

import pytest
from rich.cells import cell_len

from earwitness.dashboard.meters import level_meter, sparkline
from earwitness.dashboard.scale import GAUGE, column, gauge
from earwitness.dashboard.state import DashboardState
from earwitness.dashboard.view import draw
from earwitness.events import EnrollProgress, ProfileScore, SpeechStarted, StreamLost
from earwitness.notices import Connected, Disconnected, Missed
from earwitness.words import MINUS

from .events import group_verified, heartbeat, stream_state, unknown, verified, window

SIZES = [(80, 24), (120, 35), (200, 60), (40, 10), (20, 5), (10, 3), (1, 1), (300, 8), (81, 12), (80, 21)]


def connected() -> DashboardState:
    state = DashboardState("ipc:///run/earwitness/events")
    state.on_event(Connected(endpoint="ipc:///run/earwitness/events"), 0.0)
    return state


def ordinary() -> DashboardState:
    state = connected()
    state.on_event(heartbeat([stream_state("desk", speaking=True), stream_state("kitchen")]), 0.0)
    for step in range(20):
        state.on_event(window(8_000 * step, {"anna": 0.78, "bert": 0.4}), 0.1)
    state.on_event(verified("anna", evidence_s=12.4), 0.2)
    return state


def crowded(streams: int = 64, profiles: int = 200) -> DashboardState:
    chance = random.Random(3)
    state = connected()
    names = [f"person-{number:03d}-with-a-rather-long-name" for number in range(profiles)]
    rooms = [f"room-{number:02d}-behind-the-second-door" for number in range(streams)]
    state.on_event(
        heartbeat([stream_state(room, speaking=True, device="x" * 300) for room in rooms], profiles=profiles),
        0.0,
    )
    for room in rooms:
        state.on_event(window(8_000, {name: chance.uniform(-1, 1) for name in names}, stream=room), 0.5)
        state.on_event(verified(chance.choice(names or ["somebody"]), stream=room), 0.5)
    state.on_event(
        StreamLost(stream=rooms[-1], stream_id="x", start=0, stop=0, reason="gone " * 60, final=False), 0.6
    )
    return state


def absurd() -> DashboardState:
    """Values nobody should send."""
    state = connected()
    state.on_event(
        heartbeat(
            [
                stream_state("日本語のストリーム" * 4, level_dbfs=math.nan, device="a\nb\tc\x1b[31m"),
                stream_state("desk", level_dbfs=None, speaking=True),
            ],
            uptime_s=math.inf,
            model="",
            device="\x1b[2J" * 20,
        ),
        0.0,
    )
    state.on_event(window(0, {"anna": math.nan, "bert": math.inf}, level_dbfs=math.nan), 0.1)
    state.on_event(window(0, {"anna": 5.0, "bert": -5.0}, level_dbfs=40.0, embed_ms=math.nan), 0.1)
    state.on_event(verified("日本" * 40, score=math.nan, margin=math.nan, evidence_s=math.nan), 0.1)
    state.on_event(unknown(nearest=None, score=None), 0.1)
    state.on_event(
        EnrollProgress(
            enrolment="e",
            stream="desk",
            speaker="cora",
            state="listening",
            speech_s=math.nan,
            needed_s=0.0,
            hint="h" * 500,
        ),
        0.1,
    )
    state.on_event(Missed(topic="t" * 400, count=10**12), 0.1)
    return state


def lines(state: DashboardState, width: int = 80, height: int = 24, now: float = 0.7) -> list[str]:
    return draw(state, now, width, height).plain.split("\n")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    "state",
    [DashboardState("ipc://" + "x" * 200), connected(), ordinary(), crowded(), crowded(1, 0), absurd()],
)
@pytest.mark.parametrize("now", [0.7, 100.0])
def test_nothing_is_wider_or_higher_than_the_terminal(
    state: DashboardState, size: tuple[int, int], now: float
) -> None:
    width, height = size
    drawn = lines(state, width, height, now)
    assert len(drawn) <= height
    assert max(cell_len(line) for line in drawn) <= width
    assert not any(not char.isprintable() for line in drawn for char in line)


def test_the_speaker_is_shown_with_score_margin_and_evidence() -> None:
    shown = "\n".join(lines(ordinary()))
    assert "anna  verified · 0.78 · +0.21 margin · 12 s of evidence" in shown
    assert "threshold 0.62" in shown
    assert "evidence, not a login" in shown


def test_all_panels_are_there_at_80_by_24() -> None:
    shown = lines(ordinary())
    for part in ("streams", "profiles", "health", "events", "latency", "losses"):
        assert any(line.strip().startswith(part) for line in shown), part
    assert len(shown) == 24


def test_what_does_not_fit_is_counted_and_trouble_comes_first() -> None:
    shown = lines(crowded())
    streams = next(line for line in shown if line.strip().startswith("streams"))
    profiles = next(line for line in shown if line.strip().startswith("profiles"))
    assert "page 1 of " in streams
    assert "64 · 1 lost" in streams
    assert "more" in profiles
    assert any("gone gone" in line for line in shown)


def test_a_silent_daemon_is_said_in_the_header() -> None:
    assert "no heartbeat for 9.0 s" in lines(ordinary(), now=9.0)[0]


def test_a_broken_connection_is_said_in_the_header() -> None:
    state = ordinary()
    state.on_event(Disconnected(endpoint="ipc://x", reason="the connection broke; trying again"), 0.5)
    assert "the connection broke" in lines(state)[0]


def test_before_the_daemon_is_there_it_says_how_to_start_it() -> None:
    shown = "\n".join(lines(DashboardState("ipc:///tmp/x/events")))
    assert "waiting for earwitnessd at ipc:///tmp/x/events" in shown
    assert "earwitnessd run" in shown


def test_reasons_are_words() -> None:
    state = connected()
    state.on_event(heartbeat([stream_state(speaking=True)]), 0.0)
    state.on_event(SpeechStarted(stream="desk", stream_id="desk-1", start=0, stop=0), 0.1)
    state.on_event(window(0, {"anna": 0.4}, inconclusive=["low_snr", "overlap"]), 0.2)
    assert "inconclusive: too noisy, two voices at once" in "\n".join(lines(state))


def test_drawing_changes_nothing() -> None:
    state = ordinary()
    assert lines(state) == lines(state)


def test_a_meter_is_full_at_0_dbfs_and_empty_at_its_floor() -> None:
    assert level_meter(0.0, None, 10).plain == "━" * 10
    assert level_meter(-60.0, None, 10).plain == "─" * 10
    assert level_meter(-33.0, None, 10).plain == "━━━━╸─────"
    assert level_meter(-33.0, -9.0, 10).plain == "━━━━╸───┃─"
    assert level_meter(None, None, 4).plain == "────"


def test_a_sparkline_has_a_column_a_window_and_a_dot_where_nothing_was_scored() -> None:
    history = [column(score, 0.62, counts=True) for score in (cosine(0.2), None, cosine(0.9))]
    (line,) = sparkline(history, 5)
    assert line.plain == "··▁·█"
    upper, lower = sparkline(history, 3, rows=2)
    assert (upper.plain, lower.plain) == ("  █", "▂·█")


def cosine(value: float) -> ProfileScore:
    return ProfileScore(speaker="anna", cosine=value)


def evidence(nats: float) -> ProfileScore:
    return ProfileScore(speaker="anna", cosine=0.5, evidence=nats, accept=4.0, reject=-2.0)


def test_evidence_is_measured_between_its_own_bounds_whatever_the_cosine() -> None:
    shares = [column(evidence(nats), 0.62, counts=True) for nats in (-5.0, -2.0, 3.9, 4.0, 7.0)]
    assert [round(each.share or 0.0, 2) for each in shares] == [0.0, 0.0, 0.66, 0.67, 1.0]
    assert [each.reached for each in shares] == [False, False, False, True, True]
    assert column(evidence(math.nan), 0.62, counts=True).share is None


def test_a_gauge_is_full_at_a_bound_and_not_before() -> None:
    assert gauge(evidence(4.0)).plain == "────┼━━━━━━━"
    assert gauge(evidence(3.99)).plain == "────┼━━━━━━─"
    assert gauge(evidence(0.0)).plain == "────┼───────"
    assert gauge(evidence(-1.0)).plain == "──━━┼───────"
    assert gauge(evidence(-9.0)).plain == "━━━━┼───────"
    assert gauge(evidence(math.inf)).plain == gauge(None).plain == "─" * GAUGE


def test_profiles_show_evidence_and_bounds_where_the_daemon_decides_by_them() -> None:
    state = connected()
    state.on_event(heartbeat([stream_state("desk", speaking=True)]), 0.0)
    heard = {"anna": 5.25, "bert": -1.5}
    state.on_event(window(8_000, {"anna": 0.41, "bert": 0.1}, evidence=heard), 0.1)
    shown = lines(state)
    assert any(f"evidence in nats: unknown {MINUS}2.5, verified +4.5" in line for line in shown)
    assert any("anna" in line and "────┼━━━━━━━   +5.2" in line for line in shown)
    assert any("bert" in line and f"──━━┼───────   {MINUS}1.5" in line for line in shown)


def test_windows_that_only_add_to_the_evidence_count() -> None:
    state = connected()
    state.on_event(window(8_000, {"anna": 0.4}, evidence={"anna": 1.0}, inconclusive=["undecided"]), 0.1)
    state.on_event(window(16_000, {"anna": 0.4}, evidence={"anna": 1.0}, inconclusive=["low_snr"]), 0.1)
    state.on_event(window(24_000, {"anna": 0.4}, inconclusive=["margin"]), 0.1)
    assert [each.counts for each in state.streams["desk"].windows] == [True, False, False]


def test_a_doubtful_verdict_says_so() -> None:
    state = ordinary()
    state.on_event(verified("anna", doubts=("channel_mismatch",)), 0.3)
    shown = "\n".join(lines(state, 120))
    assert "doubtful: another channel than enrolled" in shown
    assert any(line.rstrip().endswith("doubtful") for line in shown.split("\n"))


def test_a_watchlist_hit_is_said_first_and_while_it_holds() -> None:
    state = ordinary()
    state.on_event(group_verified("intruders", watchlist=True, ttl_s=5.0), 0.3)
    state.on_event(group_verified("intruders", watchlist=True, ttl_s=5.0), 0.4)
    shown = lines(state)
    assert any("on watchlist intruders · anna  verified" in line for line in shown)
    assert sum("watchlist intruders: hit" in line for line in shown) == 1
    assert "on watchlist" not in "\n".join(lines(state, now=6.0))


def test_a_group_is_named_while_it_is_not_decided_who_of_it_speaks() -> None:
    state = connected()
    state.on_event(heartbeat([stream_state("desk", speaking=True)]), 0.0)
    state.on_event(group_verified("family"), 0.3)
    assert "anyone of family · most like anna" in "\n".join(lines(state))
    state.on_event(verified("anna"), 0.4)
    assert "anna  verified" in "\n".join(lines(state))
