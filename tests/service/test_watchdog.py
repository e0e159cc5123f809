"""The watchdog is fed only while engine and capture make progress."""

from __future__ import annotations

import pytest

from earwitnessd.handover import Pulse
from earwitnessd.service.watchdog import StreamProgress, patience_s, stuck, why_stuck

LIMIT_S = 10.0
MOST_BACKLOG_S = 25.0


def progress(
    *, stream: str = "desk", live: bool = True, silent_s: float = 0.1, backlog_s: float = 0.5
) -> StreamProgress:
    return StreamProgress(stream, live, silent_s, backlog_s)


def why(*streams: StreamProgress, engine_silent_s: float = 0.2) -> str | None:
    return stuck(engine_silent_s, streams, LIMIT_S, MOST_BACKLOG_S)


def test_an_engine_that_turns_and_streams_that_speak_are_progress() -> None:
    assert why() is None
    assert why(progress(), progress(stream="door")) is None


def test_at_the_limit_there_is_still_progress() -> None:
    assert why(progress(silent_s=10.0, backlog_s=25.0), engine_silent_s=10.0) is None


def test_an_engine_that_does_not_turn_is_stuck_whatever_the_streams_do() -> None:
    assert why(progress(), engine_silent_s=10.1) == "the engine has not turned for 10.1 s"


def test_a_live_stream_that_says_nothing_is_stuck() -> None:
    said = why(progress(), progress(stream="door", silent_s=12.0))
    assert said == "stream door is live, but nothing came from it for 12.0 s"


def test_a_live_stream_whose_audio_is_not_worked_off_is_stuck() -> None:
    assert why(progress(backlog_s=25.5)) == "stream desk is 25.5 s behind"


@pytest.mark.parametrize("idle", [progress(live=False, silent_s=3600.0, backlog_s=60.0)])
def test_a_stream_that_is_paused_over_or_being_reopened_may_be_silent(idle: StreamProgress) -> None:
    assert why(idle) is None
    assert why(idle, progress(stream="door", silent_s=11.0)) is not None


def test_a_shorter_watchdog_has_a_shorter_patience() -> None:
    assert patience_s(None) == patience_s(30.0) == patience_s(600.0) == 10.0
    assert patience_s(6.0) == 2.0


def test_a_pulse_that_grows_old_is_an_engine_that_does_not_turn() -> None:
    pulse = Pulse.first(0)
    assert why_stuck(pulse, pulse.at_ns + 2_000_000_000, 2.0) is None
    assert why_stuck(pulse, pulse.at_ns + 2_100_000_000, 2.0) == "the engine has not turned for 2.1 s"
