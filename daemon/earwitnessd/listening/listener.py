"""The engine thread: hears all streams, judges what is due, obeys main, and tells it everything."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing

from earwitnessd.calibration import CalibrationError, Calibrator
from earwitnessd.capture.inbox import Inbox
from earwitnessd.capture.paths import recorded_path
from earwitnessd.decide import Rules
from earwitnessd.decision import Roster
from earwitnessd.engines import EmbedError
from earwitnessd.enroll.decoding import Decoding
from earwitnessd.enroll.sessions import Enrolments
from earwitnessd.handover import (
    Brought,
    CaptureGone,
    Failed,
    FromEngine,
    NewRules,
    PeopleDoubted,
    PeopleFollowed,
    Pulse,
    Ready,
    Stop,
    StreamAdded,
    StreamRemoved,
    ToEngine,
)
from earwitnessd.listening.devices import changes_of, lost
from earwitnessd.listening.embedding import remote_state
from earwitnessd.listening.intake import Intake
from earwitnessd.listening.judging import Judging
from earwitnessd.listening.parts import Parts
from earwitnessd.listening.requests import RequestDesk
from earwitnessd.listening.telling import Telling
from earwitnessd.listening.verifier import StreamVerifier
from earwitnessd.listening.waiting import Waiting
from earwitnessd.mailbox import Mailbox
from earwitnessd.models import ModelError
from earwitnessd.profiles import StoreError
from earwitnessd.settings.root import Settings
from earwitnessd.settings.validate import SettingsError

__all__ = ["Listener", "Parts"]

log = logging.getLogger(__name__)

PULSE_S = 0.5
PULSE_EARLY_S = 0.1  # with audio it goes so much sooner: what comes each half second is never told late

EXPECTED = (ModelError, EmbedError, StoreError, SettingsError, CalibrationError)
# these say by themselves what to do


class Listener(threading.Thread):
    """Owns the audio sockets, the model, the rings, the profiles and the deciders."""

    def __init__(
        self,
        audio: str,
        settings: Settings,
        open_parts: Callable[[], Parts],
        inbox: Mailbox[ToEngine],
        outbox: Mailbox[FromEngine],
    ) -> None:
        super().__init__(name="engine", daemon=True)
        self._audio = audio
        # path of the socket
        self._settings = settings
        self._open_parts = open_parts
        self._inbox = inbox
        self._outbox = outbox
        self._streams: dict[str, StreamVerifier] = {}
        self._stopping = False
        self._in_force: tuple[Rules, Roster, Rules] | None = None
        # the rules, and what they come to for a roster
        self._last_pulse_s = 0.0

    def run(self) -> None:
        """Until told to stop; whatever goes wrong is told to main, which ends the daemon."""
        try:
            with (
                closing(Inbox(self._audio)) as live,
                closing(Inbox(recorded_path(self._audio))) as recorded,
            ):
                parts = self._open_parts()
                with closing(parts.people):
                    self._work(live, recorded, parts)
        except EXPECTED as error:
            self._outbox.put(Failed(reason=str(error)))
        except Exception as error:
            log.exception("the engine cannot go on: the daemon ends, to be started anew")
            self._outbox.put(Failed(reason=str(error) or repr(error)))

    def _work(self, live: Inbox, recorded: Inbox, parts: Parts) -> None:
        self._furnish(parts)
        parts.embedder.warm_up(round(self._settings.windows.length_s * 16_000), 1)
        self._telling.say(self._ready())
        self._judging.begin()
        waiting = Waiting((live, recorded), (self._inbox, self._desk.decoding))
        idle = False
        with closing(self._desk.decoding):
            while not self._stopping:
                ready = waiting.wait(PULSE_S if idle else 0.0)
                idle = self._round(live, recorded, ready)
        self._telling.cut_evidence(over=True)
        self._telling.wake()

    def _furnish(self, parts: Parts) -> None:
        self._parts = parts
        self._rules = parts.rules
        people, settings = parts.people, self._settings
        people.decision = settings.decision
        self._roster = people.roster
        self._enrolments = Enrolments(people, settings)
        self._desk = RequestDesk(
            settings,
            people,
            self._enrolments,
            self._streams,
            self._outbox.put,
            self._rules_in_force,
            Decoding(parts.decode),
        )
        self._telling = Telling(self._outbox, self._streams, self._desk.custody, settings.evidence)
        self._publish = self._telling.publish
        self._intake = Intake(self._streams, self._publish)
        self._judging = Judging(
            settings,
            parts,
            self._streams,
            self._intake.ended,
            self._enrolments,
            self._desk,
            self._telling,
        )

    def _ready(self) -> Ready:
        parts = self._parts
        return Ready(
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

    def _round(self, live: Inbox, recorded: Inbox, ready: frozenset[int]) -> bool:
        """One turn of the loop, for what is readable; False if work is left for another."""
        if self._inbox.fileno() in ready:
            self._obey_all()
        self._intake.receive(live, recorded=False)
        if not ready.isdisjoint(recorded.filenos()):
            self._intake.receive(recorded, recorded=True)
        left = self._judging.turn()
        if self._intake.ended:
            self._obey_all()  # who had a process end has said why before it could
        self._intake.finish_recordings()
        now_s = time.monotonic()
        if pulse := now_s - self._last_pulse_s >= PULSE_S - PULSE_EARLY_S:
            self._look_around()
        self._follow_roster()
        self._telling.cut_evidence()
        if self._telling.take_came_or_went() or pulse:  # who asks after the event is told nothing older
            self._outbox.leave(self._pulse(now_s))
        self._telling.wake()
        return not left

    def _look_around(self) -> None:
        """For what may have happened without anybody saying so."""
        self._publish(changes_of(self._parts.embedder))
        self._publish(self._enrolments.expire())
        self._publish(self._desk.custody.expire())

    def _obey_all(self) -> None:
        for command in self._inbox.drain():
            self._obey(command)
        self._follow_roster()  # what was just promised holds for the audio that comes with it

    def _obey(self, command: ToEngine) -> None:
        match command:
            case StreamAdded(stream, source):
                self._streams[stream] = StreamVerifier(stream, source, self._settings, self._rules_in_force())
            case StreamRemoved(stream, reason, final):
                self._telling.cut_evidence(over=True, stream=stream)
                self._intake.ended.pop(stream, None)
                if verifier := self._streams.pop(stream, None):
                    self._publish(verifier.on_gone(verifier.hearing.stream_id, reason, final))
            case CaptureGone(stream, stream_id, reason, final):
                if stream in self._intake.ended:
                    self._intake.explain(command)
                elif verifier := self._streams.get(stream):
                    self._publish(verifier.on_gone(stream_id, reason, final))
            case NewRules(rules=rules, calibrator=calibrator):
                self._rules = rules
                self._parts.people.calibrator = self._turned(calibrator)
                self._parts.people.threshold = rules.threshold
                self._parts.people.reload()
                self._adopt()
            case Brought(message, data):
                self._intake.bring(message, data)
            case PeopleFollowed():
                self._publish(self._desk.on_followed(command))
            case PeopleDoubted(doubt):
                self._parts.people.doubt(doubt)
            case Stop():
                self._stopping = True
            case ask:
                self._publish(self._desk.answer(ask))

    def _follow_roster(self) -> None:
        """People may have come or gone, joined a group or left it, or be decided about by another point."""
        before, self._roster = self._roster, self._parts.people.roster
        if self._roster is before or self._roster == before:
            return
        self._adopt()
        names = self._parts.people.matrix.names
        if list(names) != [member.name for member in before]:
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

    def _turned(self, calibrator: Calibrator | None) -> Calibrator | None:
        return self._parts.turning.calibrator(calibrator) if self._parts.turning else calibrator

    def _pulse(self, now_s: float) -> Pulse:
        passed_s, self._last_pulse_s = now_s - self._last_pulse_s, now_s
        people, embedder, judging = self._parts.people, self._parts.embedder, self._judging
        return Pulse(
            at_ns=time.monotonic_ns(),
            streams=tuple(verifier.pulse() for verifier in self._streams.values()),
            busy=min(1.0, judging.take_busy_s() / passed_s),
            batch_ms=judging.batch_ms,
            batches=judging.batches,
            windows=judging.windows,
            profiles=len(people.matrix.names),
            profiles_other_model=people.other_model,
            profiles_renewing=len(people.renewing),
            sessions_unreadable=len(people.store.unreadable),
            device=embedder.device,
            degraded=lost(embedder),
            remote=remote_state(embedder),
        )
