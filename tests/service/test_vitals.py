"""The heartbeat says of every stream what engine and capture know together."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from earwitness.events import Heartbeat, SocketState, StreamState
from earwitnessd.capture.supervisor import CaptureStatus, State
from earwitnessd.handover import Pulse, Ready, StreamPulse
from earwitnessd.hearing import Counters
from earwitnessd.service.vitals import Vitals, heartbeat

SOCKETS = SocketState(events=9, subscriptions=1, control_requests=2, control_errors=1, refused_clients=0)
READY = Ready(
    model="tones", model_id="tones@1", device="cpu", threshold=0.8, profiles=2, profiles_other_model=1
)
COUNTERS = Counters(
    opened=2,
    gaps=3,
    lost_samples=4,
    speech_s=5.5,
    windows_scored=6,
    windows_silent=7,
    windows_inconclusive=8,
    windows_skipped=9,
    bad_messages=10,
    overflows=11,
    stalls=12,
)
LIVE = StreamPulse(
    stream="desk",
    stream_id="desk-2",
    live=True,
    paced=True,
    device="USB",
    position=48_000,
    level_dbfs=-30.0,
    speaking=True,
    speaker=None,
    lag_s=0.25,
    zero_run_s=0.0,
    last_message_ns=1,
    counters=COUNTERS,
)
DEAD = replace(LIVE, live=False, device="", speaking=False, speaker=None, level_dbfs=None)


def capture(state: State = "listening", reason: str = "") -> CaptureStatus:
    return CaptureStatus(
        stream="desk",
        stream_id="desk-2",
        state=state,
        pid=7,
        restarts=3,
        kills=1,
        reason=reason,
        stderr_lines_dropped=0,
    )


def beat(pulses: list[StreamPulse], statuses: dict[str, CaptureStatus]) -> Heartbeat:
    pulse = Pulse(
        at_ns=1,
        streams=tuple(pulses),
        busy=0.5,
        batch_ms=20.0,
        batches=100,
        windows=150,
        profiles=4,
        profiles_other_model=1,
    )
    return heartbeat(
        Vitals(ready=READY, pulse=pulse, capture=statuses, sockets=SOCKETS, uptime_s=60.0, rss_mb=300.0)
    )


def one(pulse: StreamPulse, status: CaptureStatus) -> StreamState:
    (stream,) = beat([pulse], {"desk": status}).streams
    return stream


def test_every_counter_of_the_engine_is_in_the_heartbeat() -> None:
    stream = one(LIVE, capture())
    for name in Counters.__struct_fields__:
        assert getattr(stream, name) == getattr(COUNTERS, name), name
    assert (stream.restarts, stream.kills) == (3, 1)


def test_engine_sockets_and_profiles_are_told() -> None:
    said = beat([LIVE], {"desk": capture()})
    assert (said.engine.model, said.engine.model_id, said.engine.device) == ("tones", "tones@1", "cpu")
    assert (said.engine.busy, said.engine.batch_ms) == (0.5, 20.0)
    assert (said.engine.batches, said.engine.windows) == (100, 150)
    assert (said.profiles, said.profiles_other_model) == (4, 1)
    assert said.sockets == SOCKETS
    assert (said.uptime_s, said.rss_mb, said.ttl_s) == (60.0, 300.0, 3.0)


def test_a_live_stream_is_told_with_where_it_stands() -> None:
    stream = one(replace(LIVE, speaker="anna"), capture(reason="an old problem"))
    assert (stream.state, stream.reason, stream.device) == ("live", "", "USB")
    assert (stream.position, stream.level_dbfs, stream.speaker) == (48_000, -30.0, "anna")
    assert stream.lag_ms == pytest.approx(250.0)
    assert stream.speaking


@pytest.mark.parametrize(
    ("pulse", "state", "reason", "condition"),
    [
        (LIVE, "listening", "", "live"),
        (LIVE, "paused", "", "paused"),
        (DEAD, "paused", "", "paused"),
        (DEAD, "stopped", "", "paused"),
        (DEAD, "finished", "end of file", "ended"),
        (DEAD, "failed", "no such file", "ended"),
        (DEAD, "backing_off", "unplugged", "lost"),
        (DEAD, "starting", "unplugged", "lost"),
        (replace(DEAD, counters=Counters()), "starting", "", "opening"),
        (replace(DEAD, counters=Counters()), "waiting", "", "opening"),
        (replace(DEAD, counters=Counters()), "backing_off", "no such device", "lost"),
    ],
)
def test_a_streams_condition_follows_from_capture_and_engine(
    pulse: StreamPulse, state: State, reason: str, condition: str
) -> None:
    stream = one(pulse, capture(state, reason))
    assert stream.state == condition
    assert stream.reason == reason


def test_the_status_line_says_what_each_stream_does_and_counts_the_rest() -> None:
    streams = [
        (replace(LIVE, stream="a", speaker="anna"), capture()),
        (replace(LIVE, stream="b"), capture()),
        (replace(LIVE, stream="c", speaking=False), capture()),
        (replace(DEAD, stream="d"), capture("backing_off", "unplugged")),
        (replace(LIVE, stream="e"), capture()),
        (replace(LIVE, stream="f"), capture()),
    ]
    said = beat([pulse for pulse, _ in streams], {pulse.stream: status for pulse, status in streams})
    assert said.status == (
        "a hears anna, b hears speech, c listens, d lost (unplugged), +2 more; tones on cpu"
        "; 1 must enrol again (another model)"
    )


def test_people_who_are_being_made_anew_need_not_enrol_again() -> None:
    pulse = replace(Pulse.first(2), profiles_other_model=3, profiles_renewing=2, sessions_unreadable=1)
    said = heartbeat(Vitals(READY, pulse, {}, SOCKETS, uptime_s=1.0, rss_mb=2.0))
    assert (said.profiles_renewing, said.sessions_unreadable) == (2, 1)
    assert said.status.endswith(
        "; 2 are being enrolled anew from kept audio; 1 must enrol again (another model)"
    )


def test_a_device_in_place_of_a_lost_one_shows() -> None:
    pulse = replace(Pulse.first(2), device="cpu, in place of a GPU", degraded="out of memory")
    said = heartbeat(Vitals(READY, pulse, {}, SOCKETS, uptime_s=1.0, rss_mb=2.0))
    assert (said.engine.device, said.engine.degraded) == ("cpu, in place of a GPU", "out of memory")
    assert said.status.endswith("tones on cpu, in place of a GPU")
    said = heartbeat(Vitals(READY, Pulse.first(2), {}, SOCKETS, uptime_s=1.0, rss_mb=2.0))
    assert (said.engine.device, said.engine.degraded) == ("cpu", "")


def test_a_stream_that_the_engine_does_not_know_yet_is_told_from_the_first() -> None:
    unknown = dataclasses.replace(capture("starting"), stream="door", stream_id="door-1")
    said = beat([LIVE], {"desk": capture(), "door": unknown})
    assert [(stream.stream, stream.state) for stream in said.streams] == [
        ("desk", "live"),
        ("door", "opening"),
    ]
    assert (said.streams[1].stream_id, said.streams[1].restarts, said.streams[1].opened) == ("door-1", 3, 0)


def test_a_stream_that_was_removed_is_told_no_more() -> None:
    assert beat([LIVE], {}).streams == []
