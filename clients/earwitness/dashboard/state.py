"""What the dashboard knows, from events alone."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import msgspec

from ..events import (
    AnyEvent,
    DaemonStarted,
    DaemonStopping,
    EnrollProgress,
    GroupLost,
    GroupVerified,
    Heartbeat,
    Latency,
    ProfileDeleted,
    ProfileScore,
    ProfileUpdated,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    SpeechStarted,
    SpeechStopped,
    StreamEvent,
    StreamLost,
    StreamOpened,
    StreamState,
    WatchlistHit,
    WatchlistLost,
    WindowScored,
)
from ..notices import Connected, Disconnected, Missed, Notice, Restarted
from ..words import Line, describe

HISTORY = 160  # windows a stream
BEST = 24  # scores kept of a window; with more profiles the others show as gaps
LOG = 60
LATENCIES = 240
PEAK_HOLD_S = 2.0
ENROLMENT_STAYS_S = 6.0
LEVEL_FLOOR_DBFS = -120.0
MOST_LED = 256  # people remembered who came close in a window; of a crowd anybody may
LOSING_S = 15.0  # a stream counts as losing for so long after its last loss
SPOKE_S = 5.0  # and as in use for so long after somebody spoke
RANKS = ("lost", "opening", "losing", "watched", "speaking", "live", "paused", "ended")
# the worst first

Verdict = SpeakerVerified | SpeakerUnknown | SpeakerLost
Anyone = GroupVerified | WatchlistHit
QUIET = (Heartbeat, WindowScored, SpeechStarted, SpeechStopped)
# too many to tell each; the panels show them
WAITING = {"undecided", "margin"}
# reasons of windows that add to the evidence all the same


class ScoredWindow(msgspec.Struct, frozen=True):
    """One step of the score history."""

    scores: dict[str, ProfileScore]
    counts: bool
    # it decided something, or added to the evidence


class LogEntry(msgspec.Struct, frozen=True):
    """One line of the event log."""

    at: float
    # monotonic seconds
    stream: str
    line: Line


@dataclass
class StreamPanel:
    """One stream as far as its events have told."""

    name: str
    order: int
    device: str = ""
    condition: str = "opening"
    reason: str = ""
    level_dbfs: float | None = None
    level_at: float = -math.inf
    peak_dbfs: float | None = None
    peak_at: float = -math.inf
    speaking: bool = False
    spoke_at: float = -math.inf
    verdict: Verdict | None = None
    verdict_until: float = math.inf
    anyone: dict[str | None, tuple[Anyone, float]] = field(default_factory=dict)
    # by what it is about: a group or watchlist of which somebody is heard, and until when that holds
    doubts: tuple[str, ...] = ()
    # of the newest window
    inconclusive: tuple[str, ...] = ()
    threshold: float | None = None
    enrolment: EnrollProgress | None = None
    enrolment_until: float = math.inf
    windows: deque[ScoredWindow] = field(default_factory=lambda: deque(maxlen=HISTORY))
    counters: StreamState | None = None
    lost_at: float = -math.inf
    # when audio or windows were last lost

    def rank(self, now: float) -> int:
        """By how much somebody should look at it: an index of `RANKS`."""
        return RANKS.index(self.standing(now))

    def standing(self, now: float) -> str:
        """One of `RANKS`."""
        if self.condition != "live":
            return self.condition if self.condition in RANKS else "live"
        if now - self.lost_at < LOSING_S:
            return "losing"
        if any(isinstance(event, WatchlistHit) for event in self.heard_of(now)):
            return "watched"
        return "speaking" if self.speaking or now - self.spoke_at < SPOKE_S else "live"

    def count(self, counters: StreamState, now: float) -> None:
        """Take the heartbeat's counters, and notice what was lost since the last."""
        if self.counters is not None and _losses(counters) > _losses(self.counters):
            self.lost_at = now
        self.counters = counters

    def current(self, now: float) -> Verdict | None:
        """The verdict, unless its time to live is over."""
        return self.verdict if now < self.verdict_until else None

    def heard_of(self, now: float) -> list[Anyone]:
        """Of which groups and watchlists anyone is heard, watchlists first."""
        found = [event for event, until in self.anyone.values() if now < until]
        return sorted(found, key=lambda event: (not isinstance(event, WatchlistHit), event.group))

    def enrolling(self, now: float) -> EnrollProgress | None:
        """The enrolment that is running or has just ended."""
        return self.enrolment if now < self.enrolment_until else None

    def peak(self, now: float) -> float | None:
        """The loudest of the last seconds."""
        return self.peak_dbfs if now - self.peak_at < PEAK_HOLD_S else None


class DashboardState:
    """Mutable, pure: no clock, no socket. `now` is monotonic seconds."""

    def __init__(self, endpoint: str = "") -> None:
        self.endpoint = endpoint
        self.connected = False
        self.trouble = ""
        self.boot: str | None = None
        self.heartbeat: Heartbeat | None = None
        self.heartbeat_at = -math.inf
        self.version = ""
        self.model = ""
        self.device = ""
        self.streams: dict[str, StreamPanel] = {}
        self.led_at: dict[str, float] = {}  # when a profile last had the best score of a window
        self.latencies: deque[Latency] = deque(maxlen=LATENCIES)
        self.missed = 0
        self.log: deque[LogEntry] = deque(maxlen=LOG)
        self.focus: str | None = None  # the stream whose scores are shown

    def on_event(self, event: AnyEvent | Notice, now: float) -> None:
        """Take in one event or notice."""
        news = self._is_news(event)
        if isinstance(event, Connected | Disconnected | Restarted | Missed):
            self._on_notice(event)
        elif isinstance(event, StreamEvent):
            self._on_stream_event(self._panel(event.stream), event, now)
        else:
            self._on_other(event, now)
        if news:
            self.log.appendleft(LogEntry(now, getattr(event, "stream", ""), describe(event)))

    def heartbeat_age_s(self, now: float) -> float:
        """How long ago the daemon last said it lives."""
        return now - self.heartbeat_at

    def stale(self, now: float) -> bool:
        """Whether nothing shown can be trusted any more."""
        ttl_s = self.heartbeat.ttl_s if self.heartbeat else 3.0
        return not self.connected or self.heartbeat_age_s(now) > ttl_s

    def uptime_s(self, now: float) -> float | None:
        """How long the daemon has been running."""
        if self.heartbeat is None:
            return None
        return self.heartbeat.uptime_s + (0.0 if self.stale(now) else self.heartbeat_age_s(now))

    def latency_percentile_ms(self, fraction: float) -> float | None:
        """A percentile of the recent windows' whole way."""
        totals = sorted(latency.total for latency in self.latencies if math.isfinite(latency.total))
        return totals[min(len(totals) - 1, int(fraction * len(totals)))] if totals else None

    def _panel(self, stream: str) -> StreamPanel:
        return self.streams.setdefault(stream, StreamPanel(stream, order=len(self.streams)))

    def _is_news(self, event: AnyEvent | Notice) -> bool:
        if isinstance(event, QUIET) or getattr(event, "replayed", False):
            return False
        if isinstance(event, SpeakerVerified | SpeakerUnknown):
            before = self._panel(event.stream).verdict
            return type(before) is not type(event) or getattr(before, "speaker", None) != getattr(
                event, "speaker", None
            )
        if isinstance(event, GroupVerified | WatchlistHit):
            return event.state_key not in self._panel(event.stream).anyone
        if isinstance(event, EnrollProgress):
            return event.state != "listening"
        return True

    def _on_notice(self, notice: Connected | Disconnected | Restarted | Missed) -> None:
        match notice:
            case Connected():
                self.connected, self.trouble = True, ""
            case Disconnected():
                self.connected, self.trouble = False, notice.reason
            case Restarted():
                self.streams.clear()
                self.latencies.clear()
                self.heartbeat = None
            case Missed():
                self.missed += notice.count

    def _on_other(self, event: AnyEvent | Notice, now: float) -> None:
        match event:
            case Heartbeat():
                self._on_heartbeat(event, now)
            case DaemonStarted():
                self.version, self.model, self.device = event.version, event.model, event.device
            case DaemonStopping():
                self.trouble = f"the daemon stopped: {event.reason}"
            case ProfileDeleted(speaker=name) | ProfileUpdated(renamed_from=str(name)):
                self.led_at.pop(name, None)
            case EnrollProgress():
                panel = self._panel(event.stream)
                panel.enrolment = event
                over = event.state != "listening"
                panel.enrolment_until = now + ENROLMENT_STAYS_S if over else math.inf
            case _:
                pass

    def _on_heartbeat(self, beat: Heartbeat, now: float) -> None:
        self.heartbeat, self.heartbeat_at = beat, now
        self.model, self.device = beat.engine.model, beat.engine.device
        gone = self.streams.keys() - {stream.stream for stream in beat.streams}
        for name in gone:
            del self.streams[name]
        for order, stream in enumerate(beat.streams):
            panel = self._panel(stream.stream)
            panel.order = order
            panel.count(stream, now)
            panel.device, panel.condition, panel.reason = stream.device, stream.state, stream.reason
            panel.speaking = stream.speaking
            if now - panel.level_at > 1.5:  # windows come more often, while there are any
                self._hear(panel, stream.level_dbfs, None, now)

    def _on_stream_event(self, panel: StreamPanel, event: StreamEvent, now: float) -> None:
        match event:
            case WindowScored():
                self._on_window(panel, event, now)
            case SpeakerVerified() | SpeakerUnknown():
                panel.verdict, panel.verdict_until = event, now + event.ttl_s
                panel.threshold = event.threshold
            case SpeakerLost():
                panel.verdict, panel.verdict_until = event, math.inf
            case GroupVerified() | WatchlistHit():
                panel.anyone[event.state_key] = event, now + event.ttl_s
            case GroupLost() | WatchlistLost():
                panel.anyone.pop(event.state_key, None)
            case SpeechStarted() | SpeechStopped():
                panel.speaking = isinstance(event, SpeechStarted)
                panel.spoke_at = now
            case StreamOpened():
                panel.device, panel.condition, panel.reason = event.device, "live", ""
            case StreamLost():
                panel.condition, panel.reason = "ended" if event.final else "lost", event.reason
                panel.speaking, panel.level_dbfs, panel.peak_dbfs = False, None, None
                panel.verdict = None
                panel.anyone.clear()
            case _:
                pass

    def _on_window(self, panel: StreamPanel, window: WindowScored, now: float) -> None:
        self._hear(panel, window.level_dbfs, window.peak_dbfs, now)
        best = [score for score in window.scores[:BEST] if math.isfinite(score.cosine)]
        panel.inconclusive, panel.doubts = tuple(window.inconclusive), tuple(window.doubts)
        panel.windows.append(ScoredWindow({score.speaker: score for score in best}, counts=_counts(window)))
        if not best:
            return
        self.latencies.append(window.latency_ms)
        for score in best:
            self.led_at.setdefault(score.speaker, -math.inf)
        self.led_at[best[0].speaker] = now
        if len(self.led_at) > MOST_LED:
            newest = sorted(self.led_at, key=lambda name: -self.led_at[name])[: MOST_LED // 2]
            self.led_at = {name: self.led_at[name] for name in newest}
        current = self.streams.get(self.focus or "")
        if current is None or not current.speaking or current.condition != "live":
            self.focus = panel.name

    def _hear(self, panel: StreamPanel, level: float | None, peak: float | None, now: float) -> None:
        panel.level_dbfs = _floored(level)
        panel.level_at = now
        peak = _floored(peak)
        held = panel.peak(now)
        if peak is not None and (held is None or peak >= held):
            panel.peak_dbfs, panel.peak_at = peak, now


def _losses(counters: StreamState) -> int:
    return counters.windows_skipped + counters.gaps + counters.overflows + counters.stalls


def _counts(window: WindowScored) -> bool:
    adds_up = any(score.evidence is not None for score in window.scores[:1])
    return not (set(window.inconclusive) - WAITING if adds_up else window.inconclusive)


def _floored(dbfs: float | None) -> float | None:
    if dbfs is None or math.isnan(dbfs):
        return None
    return min(max(dbfs, LEVEL_FLOOR_DBFS), 99.0)
