"""One stream from messages to events: hears it, and decides who is speaking."""

from __future__ import annotations

import time
from collections.abc import Collection

import msgspec

from earwitness.events import (
    Event,
    Latency,
    ProfileScore,
    SpeakerUnknown,
    SpeakerVerified,
    StreamEvent,
    StreamLost,
    WindowScored,
)
from earwitnessd.capture.messages import AnyMessage, Samples
from earwitnessd.decide import Decider, Evidence, Rules
from earwitnessd.decision import Weight
from earwitnessd.handover import StreamPulse
from earwitnessd.hearing import HeardWindow, Hearing
from earwitnessd.listening.channel_watch import MISMATCH, ChannelWatch, advice, mismatched
from earwitnessd.listening.embedding import NOT_EMBEDDED
from earwitnessd.publish import rfc3339
from earwitnessd.score import NOBODY, Heard, ProfileMatrix, Score, Scores, Vector
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import Source

MS = 1_000_000  # ns


class StreamVerifier:
    """Owned by the engine thread."""

    def __init__(self, stream: str, source: Source, settings: Settings, rules: Rules) -> None:
        self.hearing = Hearing(stream, settings)
        self.label = source.label
        self._channel = ChannelWatch()
        self._on_mismatch = settings.quality.channel_mismatch
        self._decider = Decider(rules)
        self._told_of = settings.windows.scores
        self._watched = _named(rules)

    def adopt(self, rules: Rules) -> list[Event]:
        """Decide by other rules from the next window on, and go on from what was heard."""
        hearing = self.hearing
        gone = self._decider.on_groups(rules.groups, hearing.stream, hearing.stream_id, hearing.position)
        self._decider = Decider(rules, self._decider.snapshot())
        self._watched = _named(rules)
        return gone

    def on_message(self, message: AnyMessage, samples: Samples | None) -> list[Event]:
        """Take what the capture process said."""
        return self._with_decision(self.hearing.on_message(message, samples))

    def on_gone(self, stream_id: str, reason: str, final: bool) -> list[Event]:
        """The capture process is no more."""
        return self._with_decision(self.hearing.on_gone(stream_id, reason, final))

    def on_profiles(self, names: tuple[str, ...]) -> list[Event]:
        """People were added or removed."""
        hearing = self.hearing
        return self._decider.on_profiles(names, hearing.stream, hearing.stream_id, hearing.position)

    def judge(
        self,
        heard: HeardWindow,
        vector: Vector | None,
        matrix: ProfileMatrix,
        embed_ns: tuple[int, int],
        watched: Collection[str] = (),
    ) -> list[Event]:
        """Score a window and decide; `embed_ns` is when its batch began and ended.

        Of a crowd only the most alike are told of, and besides them whoever is in force or `watched`.
        """
        window = heard.window
        quality = Heard(heard.speech_s, heard.quality.snr_db)
        scores = matrix.evidence(vector, quality) if vector is not None else NOBODY
        if vector is not None:
            self._channel.hear(heard)
        doubted = scores[0].speaker if scores and self._doubts(scores[0].speaker, matrix) else None
        evidence = Evidence(
            stream=window.stream,
            stream_id=window.stream_id,
            start=window.start,
            stop=window.stop,
            speech_s=heard.speech_s,
            new_speech_s=heard.new_speech_s,
            scores=scores,
            reasons=self._against(heard, doubted),
        )
        reasons, decisions = self._decider.on_window(evidence)
        told = self._worth_telling(scores, watched, decisions)
        weights = self._decider.weigh(score.speaker for score in told)
        self._count(heard, scored=bool(scores), inconclusive=bool(reasons))
        at = self._said_at(heard.arrival.captured_ns)
        scored = WindowScored(
            time=at,
            stream=window.stream,
            stream_id=window.stream_id,
            start=window.start,
            stop=window.stop,
            speech_s=heard.speech_s,
            level_dbfs=heard.quality.level_dbfs,
            peak_dbfs=heard.quality.peak_dbfs,
            snr_db=heard.quality.snr_db,
            clipped=heard.quality.clipping_ratio,
            overlap=heard.overlap,
            inconclusive=list(reasons),
            channel=self._channel.kind or None,
            doubts=[MISMATCH] if doubted else [],
            advice=advice(self._channel.kind, doubted, window.stream, matrix) if doubted else "",
            people=len(scores),
            scores=[_told(score, weights.get(score.speaker)) for score in told],
            latency_ms=_latency(heard, embed_ns),
        )
        return [scored, *(_dated(self._marked(event, matrix), at) for event in decisions)]

    def pulse(self) -> StreamPulse:
        """How it is doing."""
        hearing = self.hearing
        return StreamPulse(
            stream=hearing.stream,
            stream_id=hearing.stream_id,
            live=hearing.opened is not None,
            paced=hearing.opened is not None and hearing.opened.paced,
            device=hearing.opened.description if hearing.opened else "",
            position=hearing.position,
            level_dbfs=hearing.level_dbfs,
            speaking=hearing.speaking,
            speaker=self._decider.speaker,
            lag_s=hearing.backlog_s,
            zero_run_s=hearing.zero_run_s,
            last_message_ns=hearing.last_message_ns,
            counters=hearing.counted(),
        )

    def _worth_telling(
        self, scores: Scores, watched: Collection[str], decisions: list[Event]
    ) -> tuple[Score, ...]:
        first = scores.first(self._told_of)
        if len(first) == len(scores):
            return first
        named = {getattr(event, field, None) for event in decisions for field in ("speaker", "previous")}
        wanted = {*self._watched, *watched, self._decider.speaker, *named} - {
            score.speaker for score in first
        }
        rows = [row for name in wanted if name and (row := scores.row(name)) is not None]
        return (*first, *scores.ordered(rows))

    def _doubts(self, speaker: str | None, matrix: ProfileMatrix) -> bool:
        return self._on_mismatch != "ignore" and mismatched(self._channel.kind, speaker, matrix)

    def _against(self, heard: HeardWindow, doubted: str | None) -> tuple[str, ...]:
        if doubted and self._on_mismatch == "inconclusive":
            return (*heard.reasons, MISMATCH)
        return heard.reasons

    def _marked(self, event: Event, matrix: ProfileMatrix) -> Event:
        """A verdict about somebody who is known over other channels only says so."""
        about = event.speaker if isinstance(event, SpeakerVerified) else None
        about = event.nearest if isinstance(event, SpeakerUnknown) else about
        if isinstance(event, SpeakerVerified | SpeakerUnknown) and self._doubts(about, matrix):
            return msgspec.structs.replace(event, doubts=[MISMATCH])
        return event

    def _with_decision(self, events: list[Event]) -> list[Event]:
        if not events:
            return events
        lost: list[Event] = []
        for event in events:
            if isinstance(event, StreamLost):
                lost += self._decider.on_stream_lost(event.stream, event.stream_id, event.stop)
        return [*lost, *(_dated(event, self._said_at(self._captured_ns(event))) for event in events)]

    def _said_at(self, captured_ns: int) -> str:
        """The wall time of capture, by the monotonic clock, so a jump does no harm; empty: of a recording."""
        if not self.hearing.live:
            return ""
        return rfc3339(time.time() - (time.monotonic_ns() - captured_ns) / 1e9)

    def _captured_ns(self, event: Event) -> int:
        stop = event.stop if isinstance(event, StreamEvent) else self.hearing.position
        return self.hearing.captured_ns(stop)

    def _count(self, heard: HeardWindow, *, scored: bool, inconclusive: bool) -> None:
        counters = self.hearing.counters
        counters.windows_scored += scored
        counters.windows_silent += "too_little_speech" in heard.reasons
        counters.windows_inconclusive += scored and inconclusive
        counters.windows_unembedded += NOT_EMBEDDED in heard.reasons


def _named(rules: Rules) -> tuple[str, ...]:
    """Whom the settings name."""
    return tuple(name for name, _ in rules.targets.people) if rules.targets else ()


def _dated(event: Event, at: str) -> Event:
    return msgspec.structs.replace(event, time=at) if at else event


def _told(score: Score, weight: Weight | None) -> ProfileScore:
    return ProfileScore(
        speaker=score.speaker,
        cosine=score.cosine,
        normalised=score.normalised,
        llr=score.llr,
        evidence=weight.evidence if weight else None,
        accept=weight.accept if weight else None,
        reject=weight.reject if weight else None,
    )


def _latency(heard: HeardWindow, embed_ns: tuple[int, int]) -> Latency:
    now_ns = time.monotonic_ns()
    began_ns, ended_ns = embed_ns
    arrival = heard.arrival
    return Latency(
        capture=(arrival.received_ns - arrival.captured_ns) / MS,
        queue=(began_ns - arrival.received_ns) / MS,
        embed=(ended_ns - began_ns) / MS,
        decide=(now_ns - ended_ns) / MS,
        total=(now_ns - arrival.captured_ns) / MS,
    )
