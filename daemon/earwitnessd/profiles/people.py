"""The enrolled people as the engine knows them: stored, in the matrix to score with, asked for."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterable, Iterator

import msgspec

from earwitness.control import (
    AddToGroup,
    DeleteProfile,
    Done,
    Enrolled,
    ListProfiles,
    Profile,
    Profiles,
    ProfileSummary,
    RemoveFromGroup,
    RemoveSession,
    RenameProfile,
    SetProfile,
    ShowProfile,
)
from earwitness.events import Event, ProfileDeleted, ProfileEnrolled, ProfileUpdated
from earwitnessd.calibration import Calibrator
from earwitnessd.decision import Member, OwnPoint, Roster
from earwitnessd.enroll.collector import Template
from earwitnessd.enroll.company import Alike
from earwitnessd.enroll.explaining import explained
from earwitnessd.enroll.likeness import Likeness
from earwitnessd.enroll.origin import Origin
from earwitnessd.profiles import (
    Circumstances,
    NewExemplar,
    ProfileError,
    ProfileStore,
    StoredProfile,
)
from earwitnessd.profiles.listing import Listed
from earwitnessd.profiles.reading import channels_of, exemplars_of, read_all
from earwitnessd.score import ProfileMatrix
from earwitnessd.settings.root import Decision

log = logging.getLogger(__name__)

ProfileMethod = (
    ListProfiles
    | ShowProfile
    | DeleteProfile
    | RenameProfile
    | RemoveSession
    | SetProfile
    | AddToGroup
    | RemoveFromGroup
)


class People:
    """Owned by the engine thread. Only exemplars of the model in use are ever compared."""

    def __init__(
        self,
        store: ProfileStore,
        model_id: str,
        threshold: float,
        calibrator: Calibrator | None = None,
        *,
        require_consent: bool = False,
    ) -> None:
        self.require_consent = require_consent
        # who has no consent recorded is not compared
        self._doubt = ""
        # why nobody is compared with; empty: they are
        self.matrix = ProfileMatrix.build([])
        self.roster: Roster = ()
        # whom the matrix compares with
        self._apart: set[str] = set()
        self.other_model = 0
        # people who are enrolled with another model only
        self.renewing: set[str] = set()
        # those of whom it is being made good from kept audio
        self._store = store
        self._model_id = model_id
        self.threshold = threshold
        # cosine from which two templates sound like one person
        self.calibrator = calibrator
        self.decision = Decision()
        # the error rates at which two templates count as one voice
        self.reload()

    @property
    def store(self) -> ProfileStore:
        """Where they are kept."""
        return self._store

    @property
    def model_id(self) -> str:
        """Of the model in use."""
        return self._model_id

    @property
    def dimension(self) -> int | None:
        """Values of a template of the model in use; None: neither a cohort nor a person tells."""
        if self.calibrator is not None:
            return len(self.calibrator.cohort.mean)
        return self.matrix.blocks[0].vectors.shape[1] if self.matrix.names else None

    @property
    def apart(self) -> frozenset[str]:
        """Who is enrolled with another model only."""
        return frozenset(self._apart)

    def reload(self) -> None:
        """Read everybody anew."""
        matrix, roster, self._apart = read_all(
            self._compared(self._store.everybody()), self._model_id, self.calibrator
        )
        self.matrix, self.roster = matrix, roster
        self.other_model = len(self._apart)

    def doubt(self, doubt: str) -> None:
        """Compare with nobody any more, whoever is in the database; empty: with everybody again."""
        self._doubt = doubt
        self.reload()

    def reread(self, name: str) -> None:
        """Read one person anew, who may be gone: among a crowd the others are left as they are."""
        person = next(iter(self._compared(filter(None, [self._store.somebody(name)]))), None)
        own = exemplars_of(name, person, self._model_id, calibrated=self.calibrator is not None)
        known = self.matrix.row(name) is not None
        if known or len(own.vectors):
            self.matrix = self.matrix.changed(own, channels_of(person, self._model_id))
        place = bisect_left(self.roster, name, key=lambda member: member.name)
        self._apart.discard(name)
        seat: Roster = ()
        if person is not None and len(own.vectors):
            seat = (Member(person.name, person.groups, person.own),)
        elif person is not None:
            self._apart.add(name)
        self.roster = (*self.roster[:place], *seat, *self.roster[place + known :])
        self.other_model = len(self._apart)

    def answer(self, method: ProfileMethod) -> tuple[msgspec.Struct, list[Event]]:
        """Do what is asked; ProfileError if it cannot be done."""
        match method:
            case ListProfiles():
                people = [self._summary(person) for person in self._store.listed(self._model_id)]
                return Profiles(model_id=self._model_id, profiles=people), []
            case ShowProfile(name=name):
                return self._show(self._store.profile(name)), []
            case DeleteProfile(name=name):
                self._store.delete(name)
                self.reread(name)
                return Done(message=f"{name} is no longer enrolled"), [ProfileDeleted(speaker=name)]
            case RemoveSession(name=name, session=session):
                left = self._store.remove(name, session)
                self.reread(name)
                updated = ProfileUpdated(speaker=name, exemplars=left)
                return Done(message=f"session {session} of {name} is gone, {left} left"), [updated]
            case RenameProfile(name=name, new_name=new_name):
                exemplars = self._store.rename(name, new_name)
                self.reread(name)
                self.reread(new_name)
                updated = ProfileUpdated(speaker=new_name, exemplars=exemplars, renamed_from=name)
                return Done(message=f"{name} is now {new_name}"), [updated]
            case SetProfile(name=name):
                return self._set(method)
            case AddToGroup(name=name, group=group):
                if not self._store.join(name, group):
                    return Done(message=f"{name} is one of {group} already"), []
                return Done(message=f"{name} is one of {group} now"), self._regrouped(name)
            case RemoveFromGroup(name=name, group=group):
                if not self._store.leave(name, group):
                    raise ProfileError("not_found", f"{name} is not one of {group}")
                return Done(message=f"{name} is no longer one of {group}"), self._regrouped(name)

    def enrol(
        self, name: str, template: Template, origin: Origin, warnings: tuple[str, ...] = ()
    ) -> tuple[Enrolled, list[Event]]:
        """Store a template as one more exemplar of this person."""
        exemplar = NewExemplar(
            model_id=self._model_id,
            vector=template.vector,
            label=origin.label,
            source=origin.source,
            speech_s=template.speech_s,
            windows=template.windows,
            consistency=template.consistency,
            snr_db=template.snr_db,
            circumstances=Circumstances(
                channel=template.channel,
                device=origin.device,
                native_rate=origin.native_rate,
                clipped=template.clipped,
                self_llr=template.self_llr,
                warnings=template.warnings,
            ),
            audio=template.audio,
        )
        exemplars = self._store.add(name, exemplar)
        self.reread(name)
        event: Event
        if exemplars == 1:
            event = ProfileEnrolled(speaker=name, exemplars=exemplars, speech_s=template.speech_s)
        else:
            event = ProfileUpdated(speaker=name, exemplars=exemplars)
        enrolled = Enrolled(
            name=name,
            exemplars=exemplars,
            speech_s=template.speech_s,
            consistency=template.consistency,
            snr_db=template.snr_db,
            consistency_llr=template.self_llr,
            clipped=template.clipped,
            channel=template.channel or None,
            warnings=list(warnings),
        )
        return enrolled, [event]

    def _set(self, asked: SetProfile) -> tuple[Profile, list[Event]]:
        before = OwnPoint() if asked.clear else self._store.profile(asked.name).own
        self._store.set_point(
            asked.name, before.under(OwnPoint(asked.target_fmr, asked.target_fnmr, asked.prior))
        )
        self.reread(asked.name)
        profile = self._show(self._store.profile(asked.name))
        return profile, [ProfileUpdated(speaker=asked.name, exemplars=len(profile.exemplars))]

    def _regrouped(self, name: str) -> list[Event]:
        self.reread(name)
        person = self._store.profile(name)
        return [ProfileUpdated(speaker=name, exemplars=person.sessions, groups=list(person.groups))]

    def _compared(self, people: Iterable[StoredProfile]) -> Iterator[StoredProfile]:
        """Everybody; where consent is required, nobody without; nobody of whom it is doubted."""
        if self._doubt:
            return
        for person in people:
            if not self.require_consent or person.keeping.consent is not None:
                yield person
            else:
                log.warning(
                    "%s is not compared: no consent is recorded (templates.require_consent)", person.name
                )

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def _summary(self, person: Listed) -> ProfileSummary:
        return ProfileSummary(
            name=person.name,
            created=person.created,
            exemplars=person.sessions,
            usable=person.usable,
            speech_s=person.speech_s,
            groups=list(person.groups),
            renewing=person.name in self.renewing,
        )

    def _show(self, person: StoredProfile) -> Profile:
        likeness = Likeness(self.threshold, self.calibrator)
        alike = Alike.by(self.threshold, self.calibrator, self.decision)
        shown = explained(person, self._model_id, self.matrix, likeness, alike)
        own = person.own
        return msgspec.structs.replace(
            shown, target_fmr=own.target_fmr, target_fnmr=own.target_fnmr, prior=own.prior
        )
