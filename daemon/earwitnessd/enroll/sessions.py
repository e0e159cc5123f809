"""The enrolments under way, from live streams and from recordings, until each is a profile or refused."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator

from earwitness.control import CancelEnrollment, Done, EnrollAudio, Enrolled, EnrollLive, Enrolment
from earwitness.events import EnrollProgress, Event
from earwitness.events.enroll import EnrolmentState
from earwitnessd.enroll.collector import Collector, EnrolmentRefusedError, Progress, Template
from earwitnessd.hearing import HeardWindow
from earwitnessd.profiles import ProfileError
from earwitnessd.profiles.people import People
from earwitnessd.score import Vector

STORE_ADVICE = "the profile was not stored ({error}): check the disk, then enrol again"


class LiveEnrolment:
    """From a running stream, until enough net speech was heard."""

    def __init__(self, request: EnrollLive, stream: str, label: str, threshold: float) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.name = request.name
        self.stream = stream
        self.label = label
        self.needed_s = request.speech_s
        self.deadline = time.monotonic() + request.timeout_s
        self._collector = Collector(threshold)
        self._progress = Progress(0.0, "speak now", None, None, None)

    def on_window(self, heard: HeardWindow, vector: Vector | None) -> Template | None:
        """Take one of the stream's windows; the template once there is enough."""
        self._progress = self._collector.add(heard, vector)
        return self._collector.finish() if self._collector.has(self.needed_s) else None

    def event(self, state: EnrolmentState, hint: str | None = None) -> EnrollProgress:
        """Where it stands."""
        return EnrollProgress(
            enrolment=self.id,
            stream=self.stream,
            speaker=self.name,
            state=state,
            speech_s=self._progress.speech_s,
            needed_s=self.needed_s,
            hint=hint or self._progress.hint,
            level_dbfs=self._progress.level_dbfs,
            snr_db=self._progress.snr_db,
            consistency=self._progress.consistency,
        )


class RecordingEnrolment:
    """From a sound file, a few windows a round so that live streams are not kept waiting."""

    def __init__(
        self, token: int, request: EnrollAudio, windows: Iterator[HeardWindow], threshold: float
    ) -> None:
        self.token = token
        self.request = request
        self.collector = Collector(threshold)
        self.over = False
        self._windows = windows

    def take(self, most: int) -> list[HeardWindow]:
        """The next windows; `over` once there are no more."""
        taken = [heard for _, heard in zip(range(most), self._windows, strict=False)]
        self.over = len(taken) < most
        return taken


class Enrolments:
    """Owned by the engine thread: one enrolment a stream, recordings one after the other."""

    def __init__(self, people: People, threshold: float) -> None:
        self.threshold = threshold
        # cosine that verification asks for
        self._people = people
        self._live: dict[str, LiveEnrolment] = {}

    def wanted(self, stream: str) -> bool:
        """Whether this stream's windows are being collected."""
        return stream in self._live

    def start(self, request: EnrollLive, stream: str, label: str) -> Enrolment:
        """Begin collecting; ProfileError if the stream is already being enrolled from."""
        if running := self._live.get(stream):
            raise ProfileError("conflict", f"{running.name} is being enrolled from stream {stream} right now")
        enrolment = LiveEnrolment(request, stream, label, self.threshold)
        self._live[stream] = enrolment
        return Enrolment(enrolment=enrolment.id, stream=stream, needed_s=enrolment.needed_s)

    def cancel(self, request: CancelEnrollment) -> tuple[Done, list[Event]]:
        """End one without a profile."""
        for stream, enrolment in self._live.items():
            if enrolment.id == request.enrolment:
                del self._live[stream]
                return Done(message="cancelled"), [enrolment.event("cancelled", "cancelled")]
        raise ProfileError("not_found", f"no enrolment {request.enrolment!r} is running")

    def on_window(self, stream: str, heard: HeardWindow, vector: Vector | None) -> list[Event]:
        """Take one of a stream's windows."""
        enrolment = self._live.get(stream)
        if enrolment is None:
            return []
        try:
            template = enrolment.on_window(heard, vector)
            if template is None:
                return [enrolment.event("listening")]
            enrolled, events = self._people.enrol(
                enrolment.name, template, enrolment.label, f"stream {stream}"
            )
            hint = "; ".join(enrolled.warnings) or "enrolled"
            state: EnrolmentState = "done"
        except EnrolmentRefusedError as refusal:
            events, state, hint = [], "refused", str(refusal)
        except sqlite3.Error as error:
            events, state, hint = [], "refused", STORE_ADVICE.format(error=error)
        del self._live[stream]
        return [*events, enrolment.event(state, hint)]

    def expire(self) -> list[Event]:
        """End those whose time is up."""
        late = [each for each in self._live.values() if time.monotonic() > each.deadline]
        for enrolment in late:
            del self._live[enrolment.stream]
        return [each.event("refused", "time is up: not enough speech was heard") for each in late]

    def finish(self, recording: RecordingEnrolment) -> tuple[Enrolled, list[Event]]:
        """Make the profile that a recording's windows add up to; EnrolmentRefusedError if they do not."""
        request = recording.request
        source = f"file {request.source}" if request.source else "recording"
        return self._people.enrol(request.name, recording.collector.finish(), request.label, source)
