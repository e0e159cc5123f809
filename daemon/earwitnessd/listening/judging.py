"""Embeds what is due in batches, has it scored and decided, and makes templates of what is enrolled."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from earwitnessd.capture.messages import Ended
from earwitnessd.enroll.renewing import Renewal
from earwitnessd.enroll.sessions import Enrolments
from earwitnessd.hearing import RECORDED_BATCH, HeardWindow
from earwitnessd.listening.embedding import embedded, marked, together
from earwitnessd.listening.parts import Parts
from earwitnessd.listening.requests import RequestDesk
from earwitnessd.listening.telling import Telling
from earwitnessd.listening.turns import Turns
from earwitnessd.listening.verifier import StreamVerifier
from earwitnessd.score import Vector
from earwitnessd.settings.root import Settings

RENEWED_BATCH = 4  # windows of kept audio between two batches of live ones
TOLD_TOGETHER = 8  # windows whose events main is woken for once

Heard = list[tuple[StreamVerifier, HeardWindow]]


class Judging:
    """Owned by the engine thread."""

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        streams: Mapping[str, StreamVerifier],
        ended: Mapping[str, Ended],
        enrolments: Enrolments,
        desk: RequestDesk,
        telling: Telling,
    ) -> None:
        self._parts = parts
        self._streams = streams
        self._ended = ended
        # recordings of which no more comes
        self._enrolments = enrolments
        self._desk = desk
        self._telling = telling
        self._turns = Turns(settings.windows.hop_s, settings.engine.max_lag_s)
        self._renewal = Renewal(parts.people)
        self.batches = self.windows = 0
        self.batch_ms = 0.0
        # of the last one
        self._busy_s = 0.0

    def begin(self) -> None:
        """Say who waits for a template of this model."""
        self._telling.publish(self._renewal.begin())

    def take_busy_s(self) -> float:
        """How long the model computed since the last call."""
        busy_s, self._busy_s = self._busy_s, 0.0
        return busy_s

    def turn(self) -> bool:
        """Embed and judge what is due; whether there may be more."""
        left = self._embed_live()
        recordings = list(self._recorded_batches())
        for batch in recordings:
            self._judge(batch)
        enrolled, renewed = self._enrol(), self._renew()
        return left or enrolled or renewed or any(recordings)

    def _embed_live(self) -> bool:
        """All live streams share one batch."""
        hearings = [verifier.hearing for verifier in self._streams.values()]
        windows = self._turns.take(hearings, self._wanted)
        if not windows:
            return False
        began_s = time.monotonic()
        live = [(self._streams[heard.window.stream], heard) for heard in windows]
        if heard := self._judge(live, live=True):
            self._turns.took(heard, time.monotonic() - began_s)
        return self._turns.pressed or any(hearing.due for hearing in hearings if hearing.live)

    def _recorded_batches(self) -> Iterator[Heard]:
        """A recording shares its batches with nobody, so that it is judged alike each time (see `full`)."""
        for stream, verifier in self._streams.items():
            hearing = verifier.hearing
            if hearing.recorded and (hearing.full or stream in self._ended):
                yield [(verifier, window) for window in hearing.take_due(hearing.due)]

    def _enrol(self) -> bool:
        """The next windows of a recording that is being enrolled, if one is."""
        windows = self._desk.take_recorded(RECORDED_BATCH)
        if not self._desk.enrolling:
            return False
        windows, vectors, _ = self._embed(windows, [window.embeddable for window in windows])
        self._telling.publish(self._desk.on_recorded(windows, vectors))
        return True

    def _renew(self) -> bool:
        """The next windows of audio that was kept of enrolments, if this model has not made its own."""
        windows = self._renewal.take(RENEWED_BATCH)
        if not len(windows):
            return False
        found = embedded(self._parts.embedder, windows, self._parts.turning, live=False)
        self._telling.publish(self._renewal.on_vectors(found))
        return True

    def _judge(self, heard: Heard, *, live: bool = False) -> int:
        """Embed, score and decide a batch; how many windows the model heard."""
        wanted = [self._wanted(window) for _, window in heard]
        windows, vectors, embed_ns = self._embed([window for _, window in heard], wanted, live=live)
        for number, ((verifier, _), window, vector) in enumerate(zip(heard, windows, vectors, strict=True)):
            if number % TOLD_TOGETHER == 0:
                self._telling.wake()
            stream = verifier.hearing.stream
            watched = self._enrolments.names(stream)
            matrix = self._parts.people.matrix
            self._telling.publish(verifier.judge(window, vector, matrix, embed_ns, watched))
            self._telling.publish(self._enrolments.on_window(stream, window, vector))
        return sum(wanted)

    def _wanted(self, window: HeardWindow) -> bool:
        """Whether embedding this window can tell anything: there is nobody to compare with otherwise."""
        anybody = self._parts.people.matrix.names or self._enrolments.wanted(window.window.stream)
        return window.embeddable and bool(anybody)

    def _embed(
        self, windows: list[HeardWindow], wanted: list[bool], *, live: bool = False
    ) -> tuple[list[HeardWindow], list[Vector | None], tuple[int, int]]:
        """The windows, with what speaks against them; their vectors; and when that began and ended."""
        began_ns = time.monotonic_ns()
        vectors: list[Vector | None] = [None] * len(windows)
        rows = [index for index, wants in enumerate(wanted) if wants]
        if rows:
            self._telling.wake()  # what was said before does not wait for the model
            batch = together([windows[index].window.samples for index in rows])
            found = embedded(self._parts.embedder, batch, self._parts.turning, live=live)
            for index, vector in zip(rows, found, strict=True):
                vectors[index] = vector
            windows = marked(windows, wanted, vectors)
        if self._parts.overlap:
            windows = self._parts.overlap.marked(windows, wanted)
        ended_ns = time.monotonic_ns()
        if rows:
            self.batches += 1
            self.windows += len(rows)
            self.batch_ms = (ended_ns - began_ns) / 1e6
            self._busy_s += (ended_ns - began_ns) / 1e9
        return windows, vectors, (began_ns, ended_ns)
