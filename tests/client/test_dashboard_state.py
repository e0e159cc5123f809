"""What the dashboard concludes from events."""

from __future__ import annotations

import math

import msgspec
import pytest

from earwitness.dashboard.state import DashboardState
from earwitness.events import EnrollProgress, SpeakerVerified, SpeechStarted, StreamLost, StreamOpened
from earwitness.notices import Connected, Disconnected, Missed, Restarted

from .events import heartbeat, lost, stream_state, unknown, verified, window


def listening() -> DashboardState:
    state = DashboardState("ipc://x")
    state.on_event(Connected(endpoint="ipc://x"), 0.0)
    state.on_event(heartbeat(), 0.0)
    return state


def speech(stream: str = "desk") -> SpeechStarted:
    return SpeechStarted(stream=stream, stream_id=f"{stream}-1", start=0, stop=0)


def told(state: DashboardState) -> list[str]:
    return [entry.line.text for entry in state.log]


def test_a_verdict_holds_for_its_time_to_live_and_no_longer() -> None:
    state = listening()
    state.on_event(verified("anna", ttl_s=5.0), 10.0)
    panel = state.streams["desk"]
    assert isinstance(panel.current(14.9), SpeakerVerified)
    assert panel.current(15.0) is None


def test_a_verdict_repeated_is_told_once() -> None:
    state = listening()
    for at in (1.0, 2.0, 3.0):
        state.on_event(verified("anna"), at)
    state.on_event(unknown(), 4.0)
    state.on_event(verified("anna"), 5.0)
    assert sum("anna verified" in line for line in told(state)) == 2


def test_last_values_set_the_state_but_are_no_news() -> None:
    state = listening()
    before = told(state)
    state.on_event(msgspec.structs.replace(verified("anna"), replayed=True), 1.0)
    assert isinstance(state.streams["desk"].current(1.0), SpeakerVerified)
    assert told(state) == before


def test_without_heartbeats_everything_shown_is_stale() -> None:
    state = listening()
    assert not state.stale(3.0)
    assert state.stale(3.1)
    assert state.uptime_s(2.0) == 62.0
    assert state.uptime_s(30.0) == 60.0


def test_a_lost_connection_is_stale_at_once_and_says_why() -> None:
    state = listening()
    state.on_event(Disconnected(endpoint="ipc://x", reason="it broke"), 1.0)
    assert state.stale(1.0)
    assert state.trouble == "it broke"


def test_a_restart_forgets_what_the_previous_daemon_said() -> None:
    state = listening()
    state.on_event(verified("anna"), 1.0)
    state.on_event(Restarted(boot="two", previous="one"), 2.0)
    assert not state.streams
    assert state.heartbeat is None


def test_losses_of_the_subscription_add_up() -> None:
    state = listening()
    state.on_event(Missed(topic=None, count=3), 1.0)
    state.on_event(Missed(topic="heartbeat", count=2), 2.0)
    assert state.missed == 5


def test_a_stream_that_the_daemon_no_longer_has_disappears() -> None:
    state = listening()
    state.on_event(heartbeat([stream_state("kitchen")]), 1.0)
    assert list(state.streams) == ["kitchen"]


def test_a_lost_stream_has_no_level_no_speech_and_no_speaker() -> None:
    state = listening()
    state.on_event(speech(), 1.0)
    state.on_event(verified("anna"), 1.0)
    state.on_event(
        StreamLost(stream="desk", stream_id="desk-1", start=0, stop=9, reason="unplugged", final=False), 2.0
    )
    panel = state.streams["desk"]
    assert (panel.condition, panel.reason) == ("lost", "unplugged")
    assert (panel.level_dbfs, panel.speaking, panel.current(2.0)) == (None, False, None)
    state.on_event(
        StreamOpened(
            stream="desk",
            stream_id="desk-2",
            start=0,
            stop=0,
            device="USB",
            native_rate=16_000,
            native_channels=1,
            paced=True,
        ),
        3.0,
    )
    assert panel.condition == "live"


def test_the_peak_is_held_while_the_level_moves_on() -> None:
    state = listening()
    state.on_event(window(8_000, level_dbfs=-20.0), 1.0)
    state.on_event(window(16_000, level_dbfs=-40.0), 1.5)
    panel = state.streams["desk"]
    assert panel.level_dbfs == -40.0
    assert panel.peak(1.5) == -9.0
    assert panel.peak(10.0) is None


def test_scores_are_shown_of_the_stream_that_speaks() -> None:
    state = listening()
    state.on_event(heartbeat([stream_state("desk", speaking=True), stream_state("kitchen")]), 0.0)
    state.on_event(window(8_000, {"anna": 0.7}), 1.0)
    state.on_event(window(8_000, {"anna": 0.4}, stream="kitchen"), 1.1)
    assert state.focus == "desk"
    state.on_event(heartbeat([stream_state("desk"), stream_state("kitchen", speaking=True)]), 2.0)
    state.on_event(window(16_000, {"anna": 0.7}, stream="kitchen"), 2.1)
    assert state.focus == "kitchen"


def test_an_enrolment_is_shown_while_it_runs_and_a_moment_after() -> None:
    progress = EnrollProgress(
        enrolment="e",
        stream="desk",
        speaker="cora",
        state="listening",
        speech_s=3.0,
        needed_s=12.0,
        hint="keep talking",
    )
    state = listening()
    state.on_event(progress, 1.0)
    panel = state.streams["desk"]
    assert panel.enrolling(100.0) == progress
    state.on_event(msgspec.structs.replace(progress, state="done"), 101.0)
    assert panel.enrolling(102.0) is not None
    assert panel.enrolling(110.0) is None


@pytest.mark.parametrize("level", [math.nan, math.inf, -math.inf, 5.0])
def test_levels_that_are_no_levels_do_no_harm(level: float) -> None:
    state = listening()
    state.on_event(window(8_000, {"anna": math.nan}, level_dbfs=level), 1.0)
    shown = state.streams["desk"].level_dbfs
    assert shown is None or math.isfinite(shown)


def test_latency_percentiles_are_of_embedded_windows_only() -> None:
    state = listening()
    for step in range(100):
        state.on_event(window(8_000 * step, {"anna": 0.5}, embed_ms=float(step)), 1.0)
        state.on_event(window(8_000 * step, embed_ms=9_000.0), 1.0)
    median = state.latency_percentile_ms(0.5)
    assert median is not None
    assert 60.0 < median < 70.0
    assert DashboardState().latency_percentile_ms(0.5) is None


def test_a_speaker_that_is_lost_is_remembered_as_the_last() -> None:
    state = listening()
    state.on_event(lost("anna"), 1.0)
    assert "anna no longer heard: silence" in told(state)
