"""Answers the control requests that need the engine: profiles and enrolments."""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping

from earwitness.control import (
    AddToGroup,
    BeginCheck,
    CancelEnrollment,
    DeleteProfile,
    EndCheck,
    EnrollAudio,
    EnrollLive,
    Enrolment,
    ExportProfile,
    ImportProfile,
    KeepProfile,
    ListGroups,
    ListProfiles,
    Profile,
    RemoveFromGroup,
    RemoveSession,
    RenameProfile,
    SetProfile,
    ShowProfile,
)
from earwitness.events import Event
from earwitnessd.decide import Rules
from earwitnessd.enroll.decoding import Decoding, Recorded
from earwitnessd.enroll.errors import EnrolmentRefusedError
from earwitnessd.enroll.origin import Origin
from earwitnessd.enroll.recording import windows_of
from earwitnessd.enroll.sessions import STORE_ADVICE, Enrolments, RecordingEnrolment
from earwitnessd.handover import Answer, Ask, FromEngine, PeopleFollowed, Refusal
from earwitnessd.hearing import HeardWindow
from earwitnessd.listening.following import events_of, read_anew, refuse_changes
from earwitnessd.listening.grouping import groups_of, with_bound
from earwitnessd.listening.verifier import StreamVerifier
from earwitnessd.profiles import ProfileError
from earwitnessd.profiles.custody import Custody
from earwitnessd.profiles.people import People
from earwitnessd.score import Vector
from earwitnessd.settings.root import Settings

log = logging.getLogger(__name__)


class RequestDesk:
    """Owned by the engine thread. Every `Ask` gets one `Answer` or `Refusal`, some only rounds later."""

    def __init__(
        self,
        settings: Settings,
        people: People,
        enrolments: Enrolments,
        streams: Mapping[str, StreamVerifier],
        reply: Callable[[FromEngine], None],
        rules: Callable[[], Rules],
        decoding: Decoding,
    ) -> None:
        self._settings = settings
        self._people = people
        self._enrolments = enrolments
        self._streams = streams
        self._reply = reply
        self._rules = rules
        # in force, for whoever is enrolled
        self._recordings: deque[RecordingEnrolment] = deque()
        self.custody = Custody(people, settings.templates)
        self.decoding = decoding

    def answer(self, ask: Ask) -> list[Event]:
        """Do what is asked, or begin to; the events that follow."""
        try:
            refuse_changes(self._settings.follow, ask.method)
            if isinstance(ask.method, EnrollLive | EnrollAudio):
                self.custody.before_enrolment(ask.method.name, ask.method.consent, ask.caller)
            match ask.method:
                case ListGroups():
                    self._reply(Answer(ask.token, groups_of(self._rules())))
                case (
                    ListProfiles()
                    | ShowProfile()
                    | DeleteProfile()
                    | RenameProfile()
                    | RemoveSession()
                    | SetProfile()
                    | AddToGroup()
                    | RemoveFromGroup()
                ) as method:
                    result, events = self._people.answer(method)
                    result = self.custody.shown(result)
                    if isinstance(result, Profile):
                        result = with_bound(result, self._rules())
                    self._reply(Answer(ask.token, result))
                    return events
                case EnrollLive() as method:
                    self._reply(Answer(ask.token, self._start(method)))
                case KeepProfile() | ExportProfile() | ImportProfile() | BeginCheck() | EndCheck() as method:
                    result, events = self.custody.answer(method, ask.attachment, ask.caller)
                    self._reply(Answer(ask.token, result))
                    return events
                case CancelEnrollment() as method:
                    done, events = self._enrolments.cancel(method)
                    self._reply(Answer(ask.token, done))
                    return events
                case EnrollAudio() as method:
                    self.decoding.begin(ask.token, method, ask.attachment)
                case other:
                    self._reply(Refusal(ask.token, "internal", f"the engine does not answer {other.method}"))
        except ProfileError as error:
            self._reply(Refusal(ask.token, error.code, str(error)))
        except sqlite3.Error as error:
            problem = f"the profiles cannot be reached ({error}): nothing was changed"
            self._reply(Refusal(ask.token, "internal", problem))
        return []

    def on_followed(self, followed: PeopleFollowed) -> list[Event]:
        """Another daemon's people were put into force."""
        try:
            read_anew(followed.taken, self._people)
            return events_of(followed.taken, followed.writer, self._people)
        except sqlite3.Error as error:
            log.error("what came from %s is not compared yet, a reload reads it: %s", followed.writer, error)
            return []

    @property
    def enrolling(self) -> bool:
        """Whether a recording is being enrolled."""
        return bool(self._recordings)

    def take_recorded(self, most: int) -> list[HeardWindow]:
        """The next windows of the recording that is being enrolled."""
        for recorded in self.decoding.take():
            self._on_decoded(recorded)
        return self._recordings[0].take(most) if self._recordings else []

    def on_recorded(self, heard: list[HeardWindow], vectors: list[Vector | None]) -> list[Event]:
        """Take these windows' embeddings, and answer if the recording is over."""
        if not self._recordings:
            return []
        recording = self._recordings[0]
        try:
            for window, vector in zip(heard, vectors, strict=True):
                recording.collector.add(window, vector)
            if not recording.over:
                return []
            enrolled, events = self._enrolments.finish(recording)
            self._reply(Answer(recording.token, enrolled))
        except EnrolmentRefusedError as refusal:
            events = []
            self._reply(Refusal(recording.token, "refused", str(refusal)))
        except sqlite3.Error as error:
            events = []
            self._reply(Refusal(recording.token, "internal", STORE_ADVICE.format(error=error)))
        self._recordings.popleft()
        return events

    def _on_decoded(self, recorded: Recorded) -> None:
        request, decoded = recorded.request, recorded.decoded
        if decoded is None:
            self._reply(Refusal(recorded.token, "refused", recorded.problem))
            return
        source = f"file {request.source}" if request.source else "recording"
        origin = Origin(source, request.label, decoded.kind, decoded.native_rate)
        windows = windows_of(decoded.samples, self._settings)
        collector = self._enrolments.collector()
        self._recordings.append(RecordingEnrolment(recorded.token, request, windows, origin, collector))

    def _start(self, request: EnrollLive) -> Enrolment:
        names = sorted(self._streams)
        stream = request.stream
        if stream is None:
            if len(names) != 1:
                raise ProfileError("bad_request", f"name the stream to enrol from: {', '.join(names)}")
            stream = names[0]
        verifier = self._streams.get(stream)
        if verifier is None:
            raise ProfileError("not_found", f"there is no stream {stream!r}; there are: {', '.join(names)}")
        opened = verifier.hearing.opened
        if opened is None:
            raise ProfileError("refused", f"stream {stream} is not live: nothing can be heard there now")
        origin = Origin(f"stream {stream}", verifier.label, opened.description, opened.native_rate)
        return self._enrolments.start(request, stream, origin)
