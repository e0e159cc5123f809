"""Makes templates for the model in use from the audio that was kept of enrolments, a few windows a round."""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from earwitness.events import Event, ModelSwitched, ProfileUpdated
from earwitnessd.calibration.cohort import unit
from earwitnessd.engines import Windows
from earwitnessd.enroll.collector import without_strays
from earwitnessd.enroll.consistency import leave_one_out, lowest_cosine, median_llr
from earwitnessd.enroll.kept_audio import Floats, KeptAudio, read_kept
from earwitnessd.enroll.likeness import Likeness
from earwitnessd.enroll.taken import vectors_of
from earwitnessd.profiles import NewExemplar, ProfileError
from earwitnessd.profiles.people import People
from earwitnessd.profiles.recordings import Waiting, kept_audio, name_of, waiting_for
from earwitnessd.profiles.stored import StoredExemplar
from earwitnessd.score import Vector
from earwitnessd.templates.errors import SealError

log = logging.getLogger(__name__)

NAMED = 100  # people that an event names; it counts all
UNUSABLE = (SealError, ProfileError, ValueError, RuntimeError, msgspec.MsgspecError, sqlite3.Error)
# what can be wrong with one session: the others are none the worse for it
NONE = np.zeros((0, 0), np.float32)


@dataclass(eq=False, slots=True)
class _Session:
    """The one at work."""

    waiting: Waiting
    audio: KeptAudio
    samples: Floats
    vectors: list[Vector | None] = field(default_factory=list)


class Renewal:
    """Owned by the engine thread, which embeds what `take` gives and brings it to `on_vectors`."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._waiting: deque[Waiting] = deque()
        self._session: _Session | None = None
        self._renewed = 0
        # sessions

    def begin(self) -> list[Event]:
        """At the start, with the model that is in use from now on."""
        people = self._people
        self._waiting.extend(waiting_for(people.store.database, people.model_id))
        people.renewing = {each.name for each in self._waiting}
        return [self._told()] if people.renewing or people.apart else []

    def take(self, most: int) -> Windows:
        """The next windows to embed, all of one length; none: there is nothing to do."""
        while self._session is None and self._waiting:
            self._open(self._waiting[0])
        session = self._session
        if session is None:
            return NONE
        windows = session.audio.windows[len(session.vectors) :][:most]
        return np.stack([session.samples[kept.at : kept.at + kept.stop - kept.start] for kept in windows])

    def on_vectors(self, vectors: Sequence[Vector | None]) -> list[Event]:
        """Embeddings of what `take` gave, turned; events once a session has its template."""
        session = self._session
        if session is None:
            return []
        session.vectors.extend(vectors)
        if len(session.vectors) < len(session.audio.windows):
            return []
        return self._finish(session)

    def _open(self, waiting: Waiting) -> None:
        store = self._people.store
        try:
            content = kept_audio(store.database, store.vault, waiting)
            if not content:
                self._next(waiting)  # forgotten meanwhile
                return
            audio = read_kept(content)
            self._session = _Session(waiting, audio, audio.samples())
        except UNUSABLE as error:
            self._give_up(waiting, error)

    def _finish(self, session: _Session) -> list[Event]:
        waiting, people = session.waiting, self._people
        updated: list[Event] = []
        try:
            if name := name_of(people.store.database, waiting):
                people.store.add_template(name, waiting.session, self._template(session, name))
                people.reread(name)
                self._renewed += 1
                updated = [ProfileUpdated(speaker=name, exemplars=people.store.profile(name).sessions)]
            self._next(waiting)
        except UNUSABLE as error:
            self._give_up(waiting, error)
        return updated if self._waiting else [*updated, self._told()]

    def _template(self, session: _Session, name: str) -> NewExemplar:
        people = self._people
        vectors = [vector for vector in session.vectors if vector is not None]
        if len(vectors) < len(session.vectors):
            raise ValueError("the model gives no numbers for it")
        likeness = Likeness(people.threshold, people.calibrator)
        taken = session.audio.taken(vectors)
        agreements = leave_one_out(taken, likeness)
        fitting = without_strays(taken, agreements, likeness)
        first = self._first(name, session.waiting.session)
        return NewExemplar(
            model_id=people.model_id,
            vector=unit(vectors_of(fitting).sum(axis=0)),
            label=first.label,
            source=first.source,
            speech_s=first.speech_s,
            windows=len(fitting),
            consistency=lowest_cosine(agreements),
            snr_db=first.snr_db,
            circumstances=msgspec.structs.replace(first.circumstances, self_llr=median_llr(agreements)),
        )

    def _first(self, name: str, session: int) -> StoredExemplar:
        """What was stored when they enrolled."""
        templates = self._people.store.profile(name).exemplars
        found = next((each for each in templates if each.session == session), None)
        if found is None:
            raise ProfileError("not_found", f"{name} has no session {session} that opens")
        return found

    def _give_up(self, waiting: Waiting, error: Exception) -> None:
        log.error(
            "session %d of %s cannot be made anew for %s, enrol them again: %s",
            waiting.session,
            waiting.name,
            self._people.model_id,
            error,
        )
        self._next(waiting)

    def _next(self, waiting: Waiting) -> None:
        self._session = None
        self._waiting.remove(waiting)
        if all(each.name != waiting.name for each in self._waiting):
            self._people.renewing.discard(waiting.name)

    def _told(self) -> ModelSwitched:
        people = self._people
        must = sorted(people.apart - people.renewing)
        return ModelSwitched(
            model_id=people.model_id,
            renewing=len(people.renewing),
            renewed=self._renewed,
            must_enrol=must[:NAMED],
            must_enrol_count=len(must),
        )
