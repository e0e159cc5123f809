"""The engine thread: hears all streams, embeds their due windows in one batch, and tells main."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import msgspec
import numpy as np
import zmq

from earwitness.events import Event, StreamEvent, StreamLost
from earwitnessd.calibration import CalibrationError, Calibrator
from earwitnessd.capture.endpoints import recorded_endpoint
from earwitnessd.capture.messages import AnyMessage, Ended, Samples, unpack
from earwitnessd.decide import Rules
from earwitnessd.decision import Roster
from earwitnessd.engines import Embedder, EmbedError
from earwitnessd.enroll.decoding import Decode, Decoding
from earwitnessd.enroll.recording import decode
from earwitnessd.enroll.renewing import Renewal
from earwitnessd.enroll.sessions import Enrolments
from earwitnessd.handover import (
    CaptureGone,
    Failed,
    FromEngine,
    NewRules,
    PeopleFollowed,
    Publish,
    Pulse,
    Ready,
    Stop,
    StreamAdded,
    StreamRemoved,
    ToEngine,
)
from earwitnessd.hearing import RECORDED_BATCH, HeardWindow
from earwitnessd.listening.devices import changes_of, lost
from earwitnessd.listening.embedding import embedded, marked, remote_state
from earwitnessd.listening.overlapping import OverlapWatch
from earwitnessd.listening.remembering import Remembering
from earwitnessd.listening.requests import RequestDesk
from earwitnessd.listening.turns import Turns
from earwitnessd.listening.verifier import StreamVerifier
from earwitnessd.mailbox import Mailbox, readable
from earwitnessd.models import Model, ModelError
from earwitnessd.profiles import StoreError
from earwitnessd.profiles.people import People
from earwitnessd.score import Vector
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import Source
from earwitnessd.settings.validate import SettingsError
from earwitnessd.templates.vault import Turning

log = logging.getLogger(__name__)

INTAKE_S = 1.0  # before the next batch; then it is worked off as far as it has come
PULSE_S = 0.25
RENEWED_BATCH = 4  # windows of kept audio between two batches of live ones
TOLD_TOGETHER = 8  # windows whose events main is woken for once: it wants the interpreter when it wakes
AUDIO_HWM = 2000  # messages; capture processes keep what does not fit


Heard = list[tuple[StreamVerifier, HeardWindow]]
EXPECTED = (ModelError, EmbedError, StoreError, SettingsError, CalibrationError)
# these say by themselves what to do


@dataclass(frozen=True, eq=False, slots=True)
class Parts:
    """What the engine works with, opened in its own thread."""

    embedder: Embedder
    people: People
    rules: Rules
    model: Model
    profiles_damaged: str = ""
    # where a damaged database lies that was moved aside
    turning: Turning | None = None
    # into the space where the templates lie; None: they lie as they were computed
    overlap: OverlapWatch | None = None
    # hears whether two people speak at once; None: nobody looks
    decode: Decode = decode
    # recordings that are sent for enrolment, in a thread of its own


class Listener(threading.Thread):
    """Owns the audio socket, the model, the rings, the profiles and the deciders."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        audio_endpoint: str,
        settings: Settings,
        open_parts: Callable[[], Parts],
        inbox: Mailbox[ToEngine],
        outbox: Mailbox[FromEngine],
    ) -> None:
        super().__init__(name="engine", daemon=True)
        self._context = context
        self._audio_endpoint = audio_endpoint
        self._settings = settings
        self._open_parts = open_parts
        self._inbox = inbox
        self._outbox = outbox
        self._streams: dict[str, StreamVerifier] = {}
        self._ended: dict[str, Ended] = {}
        # recordings that are over but not yet worked off
        self._turns = Turns(settings.windows.hop_s, settings.engine.max_lag_s)
        self._remembering = Remembering(settings.evidence) if settings.evidence.keep else None
        self._stopping = False
        self._in_force: tuple[Rules, Roster, Rules] | None = None
        # the rules, and what they come to for a roster
        self._batches = self._windows = 0
        self._batch_ms = self._busy_s = 0.0
        self._last_pulse_s = 0.0

    def run(self) -> None:
        """Until told to stop; whatever goes wrong is told to main, which ends the daemon."""
        try:
            with self._context.socket(zmq.PULL) as live, self._context.socket(zmq.PULL) as recorded:
                self._bind(live, self._audio_endpoint)
                self._bind(recorded, recorded_endpoint(self._audio_endpoint))
                parts = self._open_parts()
                with closing(parts.people):
                    self._work(live, recorded, parts)
        except EXPECTED as error:
            self._outbox.put(Failed(reason=str(error)))
        except Exception as error:
            log.exception("the engine cannot go on: the daemon ends, to be started anew")
            self._outbox.put(Failed(reason=str(error) or repr(error)))

    def _bind(self, audio: zmq.Socket[bytes], endpoint: str) -> None:
        audio.set(zmq.RCVHWM, AUDIO_HWM)
        audio.set(zmq.LINGER, 0)
        audio.bind(endpoint)

    def _work(self, live: zmq.Socket[bytes], recorded: zmq.Socket[bytes], parts: Parts) -> None:
        self._parts = parts
        self._rules = parts.rules
        parts.people.decision = self._settings.decision
        self._enrolments = Enrolments(parts.people, self._settings)
        self._desk = RequestDesk(
            self._settings,
            parts.people,
            self._enrolments,
            self._streams,
            self._outbox.put,
            self._rules_in_force,
            Decoding(parts.decode),
        )
        self._renewal = Renewal(parts.people)
        window_samples = round(self._settings.windows.length_s * 16_000)
        parts.embedder.warm_up(window_samples, 1)
        ready = Ready(
            model=parts.model.name,
            model_id=parts.embedder.model_id,
            device=parts.embedder.device,
            threshold=parts.model.threshold,
            directory=parts.model.directory,
            decision=str(self._rules_in_force()),
            profiles=len(parts.people.matrix.names),
            profiles_other_model=parts.people.other_model,
            profiles_damaged=parts.profiles_damaged,
        )
        self._outbox.put(ready)
        self._publish(self._renewal.begin())
        self._outbox.wake()
        poller = zmq.Poller()
        poller.register(live, zmq.POLLIN)
        poller.register(recorded, zmq.POLLIN)
        poller.register(self._inbox.receiver, zmq.POLLIN)
        poller.register(self._desk.decoding.fileno(), zmq.POLLIN)
        idle = True
        with closing(self._desk.decoding):
            while not self._stopping:
                said = dict(poller.poll(int(PULSE_S * 1000) if idle else 0))
                idle = self._round(live if live in said else None, recorded if recorded in said else None)
        self._cut_evidence(over=True)
        self._outbox.wake()

    def _round(self, live: zmq.Socket[bytes] | None, recorded: zmq.Socket[bytes] | None) -> bool:
        """One turn of the loop, with the sockets that have something; False if work is left for another."""
        roster = self._parts.people.roster
        for command in self._inbox.drain():
            self._obey(command)
        if live:
            self._receive(live, recorded=False)
        if recorded:
            self._receive(recorded, recorded=True)
        left = self._embed_due()
        self._publish(changes_of(self._parts.embedder))
        self._finish_recordings()
        self._publish(self._enrolments.expire())
        self._publish(self._desk.custody.expire())
        now = self._parts.people.roster
        if now is not roster and now != roster:
            self._on_roster([member.name for member in roster])
        self._cut_evidence()
        self._pulse()
        self._outbox.wake()
        return not left

    def _obey(self, command: ToEngine) -> None:
        match command:
            case StreamAdded(stream, source):
                self._add(stream, source)
            case StreamRemoved(stream, reason, final):
                self._cut_evidence(over=True, stream=stream)
                self._ended.pop(stream, None)
                if verifier := self._streams.pop(stream, None):
                    self._publish(verifier.on_gone(verifier.hearing.stream_id, reason, final))
            case CaptureGone(stream, stream_id, reason, final):
                verifier = self._streams.get(stream)
                if verifier and stream not in self._ended:
                    self._publish(verifier.on_gone(stream_id, reason, final))
            case NewRules(rules=rules, calibrator=calibrator):
                self._rules = rules
                self._parts.people.calibrator = self._turned(calibrator)
                self._parts.people.threshold = rules.threshold
                self._parts.people.reload()
                self._adopt()
            case PeopleFollowed():
                self._publish(self._desk.on_followed(command))
            case Stop():
                self._stopping = True
            case ask:
                self._publish(self._desk.answer(ask))

    def _on_roster(self, before: list[str]) -> None:
        """People came or went, joined a group or left it, or are decided about by another point."""
        self._adopt()
        names = self._parts.people.matrix.names
        if list(names) != before:
            for verifier in self._streams.values():
                self._publish(verifier.on_profiles(names))

    def _adopt(self) -> None:
        rules = self._rules_in_force()
        for verifier in self._streams.values():
            self._publish(verifier.adopt(rules))

    def _rules_in_force(self) -> Rules:
        """For whoever is enrolled: all streams share what is worked out for a crowd."""
        rules, roster = self._rules, self._parts.people.roster
        if self._in_force is None or self._in_force[0] is not rules or self._in_force[1] is not roster:
            self._in_force = rules, roster, rules.among(roster)
        return self._in_force[2]

    def _add(self, stream: str, source: Source) -> None:
        rules = self._rules_in_force()
        self._streams[stream] = StreamVerifier(stream, source, self._settings, rules)

    def _receive(self, audio: zmq.Socket[bytes], *, recorded: bool) -> None:
        """All that has come: audio left in the socket would be late without anybody seeing it.

        Only recordings are made to wait, for each other and for what has come of them to be worked off.
        """
        until_s = time.monotonic() + INTAKE_S
        held_up = any(
            verifier.hearing.full or stream in self._ended
            for stream, verifier in self._streams.items()
            if verifier.hearing.recorded == recorded
        )
        go_on = not held_up
        while go_on and time.monotonic() < until_s and readable(audio):
            try:
                message, samples = unpack(audio.recv_multipart(zmq.DONTWAIT))
            except (msgspec.DecodeError, ValueError) as error:
                log.warning("a message on the audio socket makes no sense: %s", error)
                continue
            go_on = self._hear(message, samples)

    def _hear(self, message: AnyMessage, samples: Samples | None) -> bool:
        """Whether there is room for more; if not, what has come is worked off first."""
        verifier = self._streams.get(message.stream)
        if verifier is None:
            return True  # a stream that was removed meanwhile
        if isinstance(message, Ended) and message.stream_id == verifier.hearing.stream_id:
            self._ended[message.stream] = message
            return False
        self._publish(verifier.on_message(message, samples))
        return not verifier.hearing.full

    def _finish_recordings(self) -> None:
        """Say that a stream is lost only after the last of its windows."""
        for stream, message in list(self._ended.items()):
            verifier = self._streams[stream]
            if not verifier.hearing.due:
                del self._ended[stream]
                self._publish(verifier.on_message(message, None))

    def _embed_due(self) -> bool:
        """Embed and judge the due windows of all streams; whether there may be more."""
        left = self._embed_live()
        recordings = list(self._recorded_batches())
        for batch in recordings:
            self._judge(batch)
        recorded = self._desk.take_recorded(RECORDED_BATCH)
        if recorded or self._desk.enrolling:
            recorded, vectors, _ = self._embed(recorded, [window.embeddable for window in recorded])
            self._publish(self._desk.on_recorded(recorded, vectors))
        renewing = self._renewal.take(RENEWED_BATCH)
        if len(renewing):
            found = embedded(self._parts.embedder, renewing, self._parts.turning, live=False)
            self._publish(self._renewal.on_vectors(found))
        return left or bool(recorded or len(renewing)) or any(recordings)

    def _embed_live(self) -> bool:
        live = self._live_batch()
        if not live:
            return False
        began_s = time.monotonic()
        if heard := self._judge(live, live=True):
            self._turns.took(heard, time.monotonic() - began_s)
        hearings = (verifier.hearing for verifier in self._streams.values())
        return self._turns.pressed or any(hearing.due for hearing in hearings if hearing.live)

    def _live_batch(self) -> Heard:
        """All live streams share one batch."""
        hearings = [verifier.hearing for verifier in self._streams.values()]
        windows = self._turns.take(hearings, self._wanted)
        return [(self._streams[heard.window.stream], heard) for heard in windows]

    def _recorded_batches(self) -> Iterator[Heard]:
        """A recording shares its batches with nobody, so that it is judged alike each time (see `full`)."""
        for stream, verifier in self._streams.items():
            hearing = verifier.hearing
            if hearing.full or (hearing.recorded and stream in self._ended):
                yield [(verifier, window) for window in hearing.take_due(hearing.due)]

    def _judge(self, heard: Heard, *, live: bool = False) -> int:
        """Embed, score and decide a batch; how many windows the model heard."""
        wanted = [self._wanted(window) for _, window in heard]
        windows, vectors, embed_ns = self._embed([window for _, window in heard], wanted, live=live)
        for number, ((verifier, _), window, vector) in enumerate(zip(heard, windows, vectors, strict=True)):
            if number % TOLD_TOGETHER == 0:
                self._outbox.wake()
            stream = verifier.hearing.stream
            watched = self._enrolments.names(stream)
            self._publish(verifier.judge(window, vector, self._parts.people.matrix, embed_ns, watched))
            self._publish(self._enrolments.on_window(stream, window, vector))
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
            self._outbox.wake()  # what was said before does not wait for the model
            batch = np.stack([windows[index].window.samples for index in rows])
            found = embedded(self._parts.embedder, batch, self._parts.turning, live=live)
            for index, vector in zip(rows, found, strict=True):
                vectors[index] = vector
            windows = marked(windows, wanted, vectors)
        if self._parts.overlap:
            windows = self._parts.overlap.marked(windows, wanted)
        ended_ns = time.monotonic_ns()
        if rows:
            self._batches += 1
            self._windows += len(rows)
            self._batch_ms = (ended_ns - began_ns) / 1e6
            self._busy_s += (ended_ns - began_ns) / 1e9
        return windows, vectors, (began_ns, ended_ns)

    def _turned(self, calibrator: Calibrator | None) -> Calibrator | None:
        return self._parts.turning.calibrator(calibrator) if self._parts.turning else calibrator

    def _publish(self, events: list[Event]) -> None:
        if not events:
            return
        self._desk.custody.on_events(events)
        for event in events:
            self._outbox.lay(Publish(event))
            if self._remembering and isinstance(event, StreamEvent):
                self._remembering.note(event)
                if isinstance(event, StreamLost):  # before its ring is another's
                    self._cut_evidence(over=True, stream=event.stream)

    def _cut_evidence(self, *, over: bool = False, stream: str | None = None) -> None:
        if self._remembering is None:
            return
        for name, verifier in self._streams.items():
            if stream in {None, name}:
                for clip in self._remembering.cut(verifier.hearing, over=over):
                    self._outbox.put(clip)

    def _pulse(self) -> None:
        now_s = time.monotonic()
        passed_s = now_s - self._last_pulse_s
        if passed_s < PULSE_S:
            return
        pulse = Pulse(
            at_ns=time.monotonic_ns(),
            streams=tuple(verifier.pulse() for verifier in self._streams.values()),
            busy=min(1.0, self._busy_s / passed_s),
            batch_ms=self._batch_ms,
            batches=self._batches,
            windows=self._windows,
            profiles=len(self._parts.people.matrix.names),
            profiles_other_model=self._parts.people.other_model,
            profiles_renewing=len(self._parts.people.renewing),
            sessions_unreadable=len(self._parts.people.store.unreadable),
            device=self._parts.embedder.device,
            degraded=lost(self._parts.embedder),
            remote=remote_state(self._parts.embedder),
        )
        self._outbox.put(pulse)
        self._last_pulse_s, self._busy_s = now_s, 0.0
