"""Turns events into metrics: no socket, no clock, nothing that the events do not say. Names nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric

from earwitness.events import (
    AuditState,
    DaemonStarted,
    EngineState,
    Event,
    EvidenceState,
    FollowingCondition,
    FollowingState,
    Heartbeat,
    Latency,
    LinkState,
    RemoteState,
    SocketState,
    StreamCondition,
    StreamOpened,
    StreamState,
    WindowScored,
)
from earwitness.schema.fields import descriptions

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONDITIONS: tuple[StreamCondition, ...] = StreamCondition.__args__  # type: ignore[attr-defined]  # a Literal

# Fields of the heartbeat, and what each is called here; times in seconds, as Prometheus wants them.
STREAM_COUNTERS = {
    "opened": "stream_openings",
    "restarts": "capture_restarts",
    "kills": "capture_kills",
    "overflows": "stream_overflows",
    "stalls": "stream_stalls",
    "gaps": "stream_gaps",
    "lost_samples": "stream_lost_samples",
    "speech_s": "speech_seconds",
    "windows_scored": "windows_scored",
    "windows_silent": "windows_silent",
    "windows_inconclusive": "windows_inconclusive",
    "windows_skipped": "windows_skipped",
    "windows_unembedded": "windows_unembedded",
    "bad_messages": "capture_bad_messages",
    "unusable_samples": "stream_unusable_samples",
}
STREAM_GAUGES = {
    "level_dbfs": "stream_level_dbfs",
    "speaking": "stream_speaking",
    "lag_ms": "stream_lag_seconds",
    "zero_run_s": "stream_zero_run_seconds",
}
LINK_COUNTERS = {
    "links": "satellite_links",
    "lost_samples": "satellite_lost_samples",
    "refused": "satellite_refused_messages",
    "cuts": "satellite_cuts",
}
LINK_GAUGES = {
    "round_trip_ms": "satellite_round_trip_seconds",
    "clock_offset_ms": "satellite_clock_offset_seconds",
    "drift_ppm": "satellite_clock_drift_ppm",
    "waiting_s": "satellite_waiting_seconds",
}
ENGINE_COUNTERS = {"batches": "engine_batches", "windows": "engine_windows"}
REMOTE_COUNTERS = {
    "windows": "remote_windows",
    "windows_local": "remote_windows_local",
    "windows_dropped": "remote_windows_dropped",
    "failures": "remote_failures",
    "requests": "remote_requests",
    "requests_failed": "remote_requests_failed",
    "requests_late": "remote_requests_late",
}
REMOTE_GAUGES = {"round_trip_ms": "remote_round_trip_seconds"}
ENGINE_GAUGES = {"busy": "engine_busy_ratio", "batch_ms": "engine_batch_seconds"}
DAEMON_GAUGES = {
    "uptime_s": "uptime_seconds",
    "profiles": "profiles",
    "profiles_other_model": "profiles_other_model",
    "profiles_renewing": "profiles_renewing",
    "sessions_unreadable": "sessions_unreadable",
    "rss_mb": "resident_memory_bytes",
    "suspended_s": "suspended_seconds",
}
FOLLOWING_COUNTERS = {"taken": "following_taken", "refused": "following_refused"}
FOLLOWING_GAUGES = {"version": "following_version", "heard_s": "following_heard_seconds"}
FOLLOWING: tuple[FollowingCondition, ...] = FollowingCondition.__args__  # type: ignore[attr-defined]  # a Literal
SOCKET_GAUGES = {"subscriptions", "clients"}  # every other figure about the sockets counts up
FACTORS = {"_ms": 1e-3, "_mb": 2.0**20}


class Figures:
    """Owned by the main thread: it is told every event that is published, and asked for the text."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began is in uptime
        self._registry = CollectorRegistry()
        self._events = Counter(
            "earwitness_events", "events published, by type", ["type"], registry=self._registry
        )
        self._latency = Histogram(
            "earwitness_latency_seconds",
            "from a live window's last sample to publishing, stage by stage (see window.scored)",
            ["stream", "stage"],
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self._started: DaemonStarted | None = None
        self._beat: Heartbeat | None = None
        self._recordings: set[str] = set()
        self._registry.register(self)

    def on_event(self, event: Event) -> None:
        """Take note."""
        self._events.labels(type=event.type).inc()
        match event:
            case Heartbeat():
                self._beat = event
            case DaemonStarted():
                self._started = event
            case StreamOpened(paced=paced):
                (self._recordings.discard if paced else self._recordings.add)(event.stream)
            case WindowScored() if event.stream not in self._recordings:
                self._observe(event)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry: what the last heartbeat says."""
        if self._started:
            daemon = {"version": self._started.version, "model": self._started.model_id}
            daemon["device"] = self._started.device
            yield InfoMetricFamily("earwitness_daemon", "what runs", value=daemon)
        if self._beat:
            yield from _daemon(self._beat)
            yield from _streams(self._beat.streams)

    def _observe(self, window: WindowScored) -> None:
        """A recording comes as fast as it is taken: its waiting says nothing."""
        for stage in Latency.__struct_fields__:
            if stage != "embed" or window.scores:  # a silent window was embedded by nobody
                seconds = getattr(window.latency_ms, stage) / 1000
                self._latency.labels(stream=window.stream, stage=stage).observe(seconds)


def _daemon(beat: Heartbeat) -> Iterator[Metric]:
    yield from _single(beat, DAEMON_GAUGES, GaugeMetricFamily)
    yield from _single(beat.engine, ENGINE_GAUGES, GaugeMetricFamily)
    yield from _single(beat.engine, ENGINE_COUNTERS, CounterMetricFamily)
    if beat.engine.remote:
        yield from _single(beat.engine.remote, REMOTE_COUNTERS, CounterMetricFamily)
        yield from _single(beat.engine.remote, REMOTE_GAUGES, GaugeMetricFamily)
    yield GaugeMetricFamily(
        "earwitness_engine_degraded",
        "another device than that of the settings computes, because that one is lost",
        value=float(bool(beat.engine.degraded)),
    )
    yield GaugeMetricFamily(
        "earwitness_profiles_damaged",
        "a damaged profile database lies beside the one in use: people are missing until it is restored",
        value=float(bool(beat.profiles_damaged)),
    )
    figures = [name for name in SocketState.__struct_fields__ if name != "events"]  # we have them by type
    gauges = {name: name for name in figures if name in SOCKET_GAUGES}
    yield from _single(beat.sockets, gauges, GaugeMetricFamily)
    counters = {name: name for name in figures if name not in SOCKET_GAUGES}
    yield from _single(beat.sockets, counters, CounterMetricFamily)
    if beat.evidence:
        counters = {name: f"evidence_{name}" for name in EvidenceState.__struct_fields__}
        yield from _single(beat.evidence, counters, CounterMetricFamily)
    if beat.following:
        yield from _following(beat.following)
    if beat.audit:
        counters = {name: f"audit_{name}" for name in AuditState.__struct_fields__}
        yield from _single(beat.audit, counters, CounterMetricFamily)


def _following(state: FollowingState) -> Iterator[Metric]:
    yield from _single(state, FOLLOWING_COUNTERS, CounterMetricFamily)
    gauges = {name: told for name, told in FOLLOWING_GAUGES.items() if getattr(state, name) is not None}
    yield from _single(state, gauges, GaugeMetricFamily)
    family = GaugeMetricFamily(
        "earwitness_following_state", descriptions(FollowingState)["state"], labels=["state"]
    )
    for condition in FOLLOWING:
        family.add_metric([condition], float(state.state == condition))
    yield family


def _single(
    said: Heartbeat | EngineState | RemoteState | SocketState | EvidenceState | AuditState | FollowingState,
    names: Mapping[str, str],
    family: type[GaugeMetricFamily | CounterMetricFamily],
) -> Iterator[Metric]:
    told = descriptions(type(said))
    for field, name in names.items():
        yield family(f"earwitness_{name}", told[field], value=_number(said, field))


def _streams(streams: list[StreamState]) -> Iterator[Metric]:
    told = descriptions(StreamState)
    for names, family in ((STREAM_COUNTERS, CounterMetricFamily), (STREAM_GAUGES, GaugeMetricFamily)):
        for field, name in names.items():
            metric = family(f"earwitness_{name}", told[field], labels=["stream"])
            for stream in streams:
                if getattr(stream, field) is not None:
                    metric.add_metric([stream.stream], _number(stream, field))
            yield metric
    verified = GaugeMetricFamily("earwitness_stream_verified", "somebody is verified", labels=["stream"])
    state = GaugeMetricFamily("earwitness_stream_state", told["state"], labels=["stream", "state"])
    for stream in streams:
        verified.add_metric([stream.stream], float(stream.speaker is not None))
        for condition in CONDITIONS:
            state.add_metric([stream.stream, condition], float(stream.state == condition))
    yield verified
    yield state
    yield from _links({stream.stream: stream.link for stream in streams if stream.link})


def _links(links: Mapping[str, LinkState]) -> Iterator[Metric]:
    if not links:
        return
    told = descriptions(LinkState)
    for names, family in ((LINK_COUNTERS, CounterMetricFamily), (LINK_GAUGES, GaugeMetricFamily)):
        for field, name in names.items():
            metric = family(f"earwitness_{name}", told[field], labels=["stream"])
            for stream, link in links.items():
                if getattr(link, field) is not None:
                    metric.add_metric([stream], _number(link, field))
            yield metric
    up = GaugeMetricFamily("earwitness_satellite_up", "its link is up", labels=["stream"])
    for stream, link in links.items():
        up.add_metric([stream], float(link.state == "up"))
    yield up


def _number(said: msgspec.Struct, field: str) -> float:
    return float(getattr(said, field)) * FACTORS.get(field[-3:], 1.0)
