"""What Prometheus is told follows from the events alone; every loss is among it, no name of a person is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from earwitness.events import (
    EngineState,
    EvidenceState,
    FollowingState,
    Heartbeat,
    LinkState,
    RemoteState,
    SocketState,
    StreamState,
    WindowScored,
)
from earwitness.schema.examples import EVENTS, HEARTBEAT
from earwitnessd.metrics import figures
from earwitnessd.metrics.figures import Figures

DASHBOARD = Path(__file__).parents[2] / "configs" / "grafana-earwitness.json"
WORDS = {"stream", "stream_id", "state", "device", "reason", "speaker", "position"}
WORDS |= {"model", "model_id", "degraded", "link", "remote"}
# fields that are no figures, or of no use as one

Samples = dict[str, list[tuple[dict[str, str], float]]]


def samples(told: Figures) -> Samples:
    """Every series by its name, as a scrape reads them."""
    found: Samples = {}
    for family in text_string_to_metric_families(told.text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def after(*events: object) -> Samples:
    """What is told after these events."""
    told = Figures()
    for event in events:
        told.on_event(event)  # type: ignore[arg-type]  # the examples are a union of events
    return samples(told)


def window() -> WindowScored:
    return next(event for event in EVENTS if isinstance(event, WindowScored))


def opened(*, paced: bool) -> object:
    (event,) = (event for event in EVENTS if event.type == "stream.opened")
    return msgspec.structs.replace(event, paced=paced)


def test_before_the_first_heartbeat_nothing_is_claimed() -> None:
    assert after() == {}


@pytest.mark.parametrize("field", sorted(set(StreamState.__struct_fields__) - WORDS))
def test_every_figure_of_a_stream_is_told(field: str) -> None:
    beat = msgspec.structs.replace(
        HEARTBEAT, streams=[msgspec.structs.replace(HEARTBEAT.streams[0], **{field: 5})]
    )
    counter = figures.STREAM_COUNTERS.get(field)
    name = f"earwitness_{counter}_total" if counter else f"earwitness_{figures.STREAM_GAUGES[field]}"
    assert after(beat)[name] == [({"stream": "desk"}, 0.005 if field.endswith("_ms") else 5.0)]


@pytest.mark.parametrize(("why", "value"), [("", 0.0), ("CUDA out of memory", 1.0)])
def test_a_lost_device_is_told(why: str, value: float) -> None:
    beat = msgspec.structs.replace(HEARTBEAT, engine=msgspec.structs.replace(HEARTBEAT.engine, degraded=why))
    assert after(beat)["earwitness_engine_degraded"] == [({}, value)]


@pytest.mark.parametrize("field", sorted(figures.LINK_COUNTERS | figures.LINK_GAUGES))
def test_every_figure_of_a_link_is_told(field: str) -> None:
    stream = HEARTBEAT.streams[0]
    assert stream.link is not None
    link = msgspec.structs.replace(stream.link, **{field: 5})
    beat = msgspec.structs.replace(HEARTBEAT, streams=[msgspec.structs.replace(stream, link=link)])
    counter = figures.LINK_COUNTERS.get(field)
    name = f"earwitness_{counter}_total" if counter else f"earwitness_{figures.LINK_GAUGES[field]}"
    assert after(beat)[name] == [({"stream": "desk"}, 0.005 if field.endswith("_ms") else 5.0)]
    numbers = {"state", "key", "address", "machine", "version"}
    assert set(figures.LINK_COUNTERS | figures.LINK_GAUGES) | numbers == set(LinkState.__struct_fields__)


@pytest.mark.parametrize("field", sorted(set(EngineState.__struct_fields__) - WORDS))
def test_every_figure_of_the_engine_is_told(field: str) -> None:
    beat = msgspec.structs.replace(HEARTBEAT, engine=msgspec.structs.replace(HEARTBEAT.engine, **{field: 5}))
    counter = figures.ENGINE_COUNTERS.get(field)
    name = f"earwitness_{counter}_total" if counter else f"earwitness_{figures.ENGINE_GAUGES[field]}"
    assert after(beat)[name] == [({}, 0.005 if field.endswith("_ms") else 5.0)]


@pytest.mark.parametrize("field", sorted(set(RemoteState.__struct_fields__) - {"last_failure"}))
def test_every_figure_of_remote_engines_is_told(field: str) -> None:
    remote = msgspec.structs.replace(RemoteState(), **{field: 5})
    engine = msgspec.structs.replace(HEARTBEAT.engine, remote=remote)
    counter = figures.REMOTE_COUNTERS.get(field)
    name = f"earwitness_{counter}_total" if counter else f"earwitness_{figures.REMOTE_GAUGES[field]}"
    told = after(msgspec.structs.replace(HEARTBEAT, engine=engine))
    assert told[name] == [({}, 0.005 if field.endswith("_ms") else 5.0)]


@pytest.mark.parametrize("field", [each for each in SocketState.__struct_fields__ if each != "events"])
def test_every_figure_of_the_sockets_is_told(field: str) -> None:
    beat = msgspec.structs.replace(
        HEARTBEAT, sockets=msgspec.structs.replace(HEARTBEAT.sockets, **{field: 5})
    )
    told = after(beat)
    found = told.get(f"earwitness_{field}") or told.get(f"earwitness_{field}_total")
    assert found == [({}, 5.0)]


def test_how_a_follower_follows_is_told() -> None:
    told = after(HEARTBEAT)
    assert told["earwitness_following_version"] == [({}, 41.0)]
    assert told["earwitness_following_state"][1] == ({"state": "follows"}, 1.0)
    words = {"writer", "endpoint", "state", "reason"}
    assert set(figures.FOLLOWING_COUNTERS | figures.FOLLOWING_GAUGES) | words == set(
        FollowingState.__struct_fields__
    )
    alone = after(msgspec.structs.replace(HEARTBEAT, following=None))
    assert not [name for name in alone if "following" in name]


def test_every_figure_of_the_evidence_is_told_where_some_is_kept() -> None:
    told = after(HEARTBEAT)
    for field in EvidenceState.__struct_fields__:
        assert f"earwitness_evidence_{field}_total" in told
    none = after(msgspec.structs.replace(HEARTBEAT, evidence=None))
    assert not [name for name in none if "evidence" in name]


def test_a_stream_is_in_exactly_one_state() -> None:
    states = after(HEARTBEAT)["earwitness_stream_state"]
    assert [labels["state"] for labels, value in states if value] == ["live"]
    assert len(states) == 5


def test_a_level_that_is_not_known_is_not_told() -> None:
    silent = msgspec.structs.replace(HEARTBEAT.streams[0], level_dbfs=None, speaker=None)
    told = after(msgspec.structs.replace(HEARTBEAT, streams=[silent]))
    assert "earwitness_stream_level_dbfs" not in told
    assert told["earwitness_stream_verified"] == [({"stream": "desk"}, 0.0)]


def test_events_are_counted_by_type() -> None:
    told = after(*EVENTS, window())
    counts = {labels["type"]: value for labels, value in told["earwitness_events_total"]}
    assert counts == {event.type: 2.0 if event.type == "window.scored" else 1.0 for event in EVENTS}


def test_every_stage_of_a_live_window_is_observed() -> None:
    told = after(window())
    sums = {labels["stage"]: value for labels, value in told["earwitness_latency_seconds_sum"]}
    assert sums == pytest.approx(
        {"capture": 0.0118, "queue": 0.0039, "embed": 0.0612, "decide": 0.0006, "total": 0.0775}
    )
    below = [labels["le"] for labels, value in told["earwitness_latency_seconds_bucket"] if value]
    assert {"0.001", "0.1", "+Inf"} <= set(below)


def test_a_window_that_was_not_embedded_says_nothing_of_embedding() -> None:
    told = after(msgspec.structs.replace(window(), scores=[], inconclusive=["too_little_speech"]))
    assert {labels["stage"] for labels, _ in told["earwitness_latency_seconds_count"]} == {
        "capture",
        "queue",
        "decide",
        "total",
    }


def test_the_waiting_of_a_recording_is_no_latency() -> None:
    assert "earwitness_latency_seconds_count" not in after(opened(paced=False), window())
    assert "earwitness_latency_seconds_count" in after(opened(paced=False), opened(paced=True), window())


def test_nobody_is_named() -> None:
    told = Figures()
    for event in EVENTS:
        told.on_event(event)
    assert b"anna" not in told.text()
    assert b"ben" not in told.text()


def test_help_says_what_the_heartbeat_says_of_the_field() -> None:
    told = Figures()
    told.on_event(HEARTBEAT)
    text = told.text().decode()
    assert "# HELP earwitness_stream_gaps_total stretches never heard\n" in text
    assert "# TYPE earwitness_stream_gaps_total counter\n" in text
    assert "_created" not in text


def test_every_query_of_the_dashboard_names_metrics_that_exist() -> None:
    there = set(after(*EVENTS, msgspec.structs.replace(HEARTBEAT)))
    asked = list(queries())
    assert len(asked) > 30
    for query in asked:
        names = set(re.findall(r"earwitness_\w+", query))
        assert names, query
        assert names <= there, query


def test_the_dashboard_shows_every_figure_of_streams_and_engine() -> None:
    shown = set(re.findall(r"earwitness_(\w+)", " ".join(queries())))
    counters = {
        *figures.STREAM_COUNTERS.values(),
        *figures.ENGINE_COUNTERS.values(),
        *figures.LINK_COUNTERS.values(),
        *figures.REMOTE_COUNTERS.values(),
    }
    gauges = {
        *figures.REMOTE_GAUGES.values(),
        *figures.STREAM_GAUGES.values(),
        *figures.ENGINE_GAUGES.values(),
        *figures.LINK_GAUGES.values(),
        *figures.DAEMON_GAUGES.values(),
    }
    assert {f"{counter}_total" for counter in counters} | gauges <= shown


def queries() -> Iterator[str]:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (each["definition"] for each in board["templating"]["list"] if "definition" in each)


def test_what_is_told_is_the_last_heartbeats() -> None:
    later: Heartbeat = msgspec.structs.replace(HEARTBEAT, profiles=7)
    assert after(HEARTBEAT, later)["earwitness_profiles"] == [({}, 7.0)]
