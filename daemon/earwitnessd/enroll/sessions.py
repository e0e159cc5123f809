"""The enrolments under way, from live streams and from recordings, until each is a profile or refused."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator

from earwitness.control import CancelEnrollment, Done, EnrollAudio, Enrolled, EnrollLive, Enrolment
from earwitness.events import EnrollProgress, Event
from earwitness.events.enroll import EnrolmentState, OtherVoice
from earwitnessd.enroll.collector import Collector, Progress, Template
from earwitnessd.enroll.company import Alike, company_of, judged
from earwitnessd.enroll.errors import EnrolmentRefusedError
from earwitnessd.enroll.likeness import Likeness
from earwitnessd.enroll.origin import Origin
from earwitnessd.enroll.second_voice import Stretch
from earwitnessd.hearing import HeardWindow
from earwitnessd.profiles import ProfileError
from earwitnessd.profiles.people import People
from earwitnessd.score import Vector
from earwitnessd.settings.root import Settings

STORE_ADVICE = "the profile was not stored ({error}): check the disk, then enrol again"


class LiveEnrolment:
    """From a running stream, until enough net speech was heard."""

    def __init__(self, request: EnrollLive, stream: str, origin: Origin, collector: Collector) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.name = request.name
        self.stream = stream
        self.origin = origin
        self.needed_s = collector.needed_s
        self.deadline = time.monotonic() + request.timeout_s
        self.warnings: list[str] = []
        self._collector = collector
        self._progress = Progress(0.0, "speak now")

    def on_window(self, heard: HeardWindow, vector: Vector | None) -> Template | None:
        """Take one of the stream's windows; the template once there is enough."""
        self._collector.add(heard, vector)
        self._progress = self._collector.progress(heard)
        return self._collector.finish() if self._collector.enough else None

    def too_late(self) -> str:
        """Why it ends without a template."""
        return f"time is up: {self._collector.missing()}"

    def event(self, state: EnrolmentState, hint: str | None = None) -> EnrollProgress:
        """Where it stands."""
        progress = self._progress
        return EnrollProgress(
            enrolment=self.id,
            stream=self.stream,
            speaker=self.name,
            state=state,
            speech_s=progress.speech_s,
            needed_s=self.needed_s,
            hint=hint or progress.hint,
            level_dbfs=progress.level_dbfs,
            snr_db=progress.snr_db,
            consistency=progress.consistency,
            consistency_llr=progress.consistency_llr,
            session_snr_db=progress.session_snr_db,
            clipped=progress.clipped,
            windows=progress.windows,
            unusable=progress.unusable,
            channel=progress.channel or None,
            other_voice=_told(progress.second_voice),
            warnings=self.warnings,
        )


def _told(second: Stretch | None) -> OtherVoice | None:
    if second is None:
        return None
    agreement = second.agreement
    return OtherVoice(
        start_s=second.start_s, stop_s=second.stop_s, cosine=agreement.cosine, llr=agreement.llr
    )


class RecordingEnrolment:
    """From a sound file, a few windows a round so that live streams are not kept waiting."""

    def __init__(
        self,
        token: int,
        request: EnrollAudio,
        windows: Iterator[HeardWindow],
        origin: Origin,
        collector: Collector,
    ) -> None:
        self.token = token
        self.request = request
        self.origin = origin
        self.collector = collector
        self.over = False
        self._windows = windows

    def take(self, most: int) -> list[HeardWindow]:
        """The next windows; `over` once there are no more."""
        taken = [heard for _, heard in zip(range(most), self._windows, strict=False)]
        self.over = len(taken) < most
        return taken


class Enrolments:
    """Owned by the engine thread: one enrolment a stream, recordings one after the other."""

    def __init__(self, people: People, settings: Settings) -> None:
        self._people = people
        self._settings = settings
        self._live: dict[str, LiveEnrolment] = {}

    def wanted(self, stream: str) -> bool:
        """Whether this stream's windows are being collected."""
        return stream in self._live

    def names(self, stream: str) -> tuple[str, ...]:
        """Who is being enrolled from this stream."""
        return (self._live[stream].name,) if stream in self._live else ()

    def collector(self, needed_s: float | None = None) -> Collector:
        """For one session, by the calibration in force."""
        likeness = Likeness(self._people.threshold, self._people.calibrator)
        return Collector(likeness, self._settings.enrolment, needed_s)

    def start(self, request: EnrollLive, stream: str, origin: Origin) -> Enrolment:
        """Begin collecting; ProfileError if the stream is already being enrolled from."""
        if running := self._live.get(stream):
            raise ProfileError("conflict", f"{running.name} is being enrolled from stream {stream} right now")
        enrolment = LiveEnrolment(request, stream, origin, self.collector(request.speech_s))
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
            enrolled, events = self._enrol(enrolment.name, template, enrolment.origin)
            enrolment.warnings = enrolled.warnings
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
        return [each.event("refused", each.too_late()) for each in late]

    def finish(self, recording: RecordingEnrolment) -> tuple[Enrolled, list[Event]]:
        """Make the profile that a recording's windows add up to; EnrolmentRefusedError if they do not."""
        return self._enrol(recording.request.name, recording.collector.finish(), recording.origin)

    def _enrol(self, name: str, template: Template, origin: Origin) -> tuple[Enrolled, list[Event]]:
        people = self._people
        alike = Alike.by(people.threshold, people.calibrator, self._settings.decision)
        company = judged(name, company_of(name, template, people.matrix), alike, self._settings.enrolment)
        return people.enrol(name, template, origin, (*template.warnings, *company))
