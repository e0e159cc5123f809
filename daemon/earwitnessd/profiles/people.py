"""The enrolled people as the engine knows them: stored, in the matrix to score with, asked for."""

from __future__ import annotations

import logging

import msgspec

from earwitness.control import (
    AddToGroup,
    DeleteProfile,
    Done,
    Enrolled,
    Exemplar,
    ListProfiles,
    Profile,
    Profiles,
    ProfileSummary,
    RemoveFromGroup,
    RenameProfile,
    SetProfile,
    ShowProfile,
)
from earwitness.events import Event, ProfileDeleted, ProfileEnrolled, ProfileUpdated
from earwitnessd.calibration import Calibrator
from earwitnessd.decision import Member, OwnPoint, Roster
from earwitnessd.enroll.collector import Template, nearest_other
from earwitnessd.profiles import NewExemplar, ProfileError, ProfileStore, StoredExemplar, StoredProfile
from earwitnessd.score import ProfileMatrix

log = logging.getLogger(__name__)

ProfileMethod = (
    ListProfiles | ShowProfile | DeleteProfile | RenameProfile | SetProfile | AddToGroup | RemoveFromGroup
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
        self.matrix = ProfileMatrix.build([])
        self.roster: Roster = ()
        # whom the matrix compares with
        self.other_model = 0
        # people who are enrolled with another model only
        self._store = store
        self._model_id = model_id
        self.threshold = threshold
        # cosine from which two templates sound like one person
        self.calibrator = calibrator
        self.reload()

    @property
    def store(self) -> ProfileStore:
        """Where they are kept."""
        return self._store

    @property
    def model_id(self) -> str:
        """Of the model in use."""
        return self._model_id

    def reload(self) -> None:
        """Read everybody anew."""
        people = self._compared(self._store.profiles())
        usable = [
            (person.name, exemplar)
            for person in people
            for exemplar in person.exemplars
            if exemplar.model_id == self._model_id
        ]
        self.matrix = ProfileMatrix.build(
            [(name, exemplar.vector) for name, exemplar in usable],
            self.calibrator,
            [exemplar.speech_s for _, exemplar in usable],
        )
        compared = set(self.matrix.names)
        self.roster = tuple(
            Member(person.name, person.groups, person.own) for person in people if person.name in compared
        )
        self.other_model = len(people) - len(self.matrix.names)

    def answer(self, method: ProfileMethod) -> tuple[msgspec.Struct, list[Event]]:
        """Do what is asked; ProfileError if it cannot be done."""
        match method:
            case ListProfiles():
                people = [self._summary(person) for person in self._store.profiles()]
                return Profiles(model_id=self._model_id, profiles=people), []
            case ShowProfile(name=name):
                return self._show(self._store.profile(name)), []
            case DeleteProfile(name=name):
                self._store.delete(name)
                self.reload()
                return Done(message=f"{name} is no longer enrolled"), [ProfileDeleted(speaker=name)]
            case RenameProfile(name=name, new_name=new_name):
                exemplars = self._store.rename(name, new_name)
                self.reload()
                updated = ProfileUpdated(speaker=new_name, exemplars=exemplars, renamed_from=name)
                return Done(message=f"{name} is now {new_name}"), [updated]
            case SetProfile():
                return self._set(method)
            case AddToGroup(name=name, group=group):
                if not self._store.join(name, group):
                    return Done(message=f"{name} is one of {group} already"), []
                return Done(message=f"{name} is one of {group} now"), self._regrouped(name)
            case RemoveFromGroup(name=name, group=group):
                if not self._store.leave(name, group):
                    raise ProfileError("not_found", f"{name} is not one of {group}")
                return Done(message=f"{name} is no longer one of {group}"), self._regrouped(name)

    def enrol(self, name: str, template: Template, label: str, source: str) -> tuple[Enrolled, list[Event]]:
        """Store a template as one more exemplar of this person."""
        warnings = self._warnings(name, template)
        exemplar = NewExemplar(
            model_id=self._model_id,
            vector=template.vector,
            label=label,
            source=source,
            speech_s=template.speech_s,
            windows=template.windows,
            consistency=template.consistency,
            snr_db=template.snr_db,
        )
        exemplars = self._store.add(name, exemplar)
        self.reload()
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
            warnings=warnings,
        )
        return enrolled, [event]

    def _set(self, asked: SetProfile) -> tuple[Profile, list[Event]]:
        before = OwnPoint() if asked.clear else self._store.profile(asked.name).own
        self._store.set_point(
            asked.name, before.under(OwnPoint(asked.target_fmr, asked.target_fnmr, asked.prior))
        )
        self.reload()
        profile = self._show(self._store.profile(asked.name))
        return profile, [ProfileUpdated(speaker=asked.name, exemplars=len(profile.exemplars))]

    def _regrouped(self, name: str) -> list[Event]:
        self.reload()
        person = self._store.profile(name)
        return [ProfileUpdated(speaker=name, exemplars=len(person.exemplars), groups=list(person.groups))]

    def _compared(self, people: tuple[StoredProfile, ...]) -> tuple[StoredProfile, ...]:
        """Everybody; where consent is required, nobody without."""
        if not self.require_consent:
            return people
        for person in people:
            if person.keeping.consent is None:
                log.warning(
                    "%s is not compared: no consent is recorded (templates.require_consent)", person.name
                )
        return tuple(person for person in people if person.keeping.consent)

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def _warnings(self, name: str, template: Template) -> list[str]:
        warnings = []
        scores = {score.speaker: score.cosine for score in self.matrix.scores(template.vector)}
        if name in scores and scores[name] < self.threshold:
            warnings.append(f"does not sound like the {name} already enrolled (cosine {scores[name]:.2f})")
        other = nearest_other(self.matrix, name, template.vector)
        if other and other[1] >= self.threshold:
            warnings.append(f"sounds like {other[0]}, who is already enrolled (cosine {other[1]:.2f})")
        return warnings

    def _summary(self, person: StoredProfile) -> ProfileSummary:
        return ProfileSummary(
            name=person.name,
            created=person.created,
            exemplars=len(person.exemplars),
            usable=sum(self._usable(exemplar) for exemplar in person.exemplars),
            speech_s=sum(exemplar.speech_s for exemplar in person.exemplars),
            groups=list(person.groups),
        )

    def _show(self, person: StoredProfile) -> Profile:
        usable = [exemplar.vector for exemplar in person.exemplars if self._usable(exemplar)]
        nearest = [near for vector in usable if (near := nearest_other(self.matrix, person.name, vector))]
        other = max(nearest, key=lambda near: near[1], default=(None, None))
        return Profile(
            name=person.name,
            created=person.created,
            exemplars=[
                Exemplar(
                    created=exemplar.created,
                    model_id=exemplar.model_id,
                    usable=self._usable(exemplar),
                    label=exemplar.label,
                    source=exemplar.source,
                    speech_s=exemplar.speech_s,
                    windows=exemplar.windows,
                    consistency=exemplar.consistency,
                    snr_db=exemplar.snr_db,
                )
                for exemplar in person.exemplars
            ],
            nearest=other[0],
            nearest_cosine=other[1],
            groups=list(person.groups),
            target_fmr=person.own.target_fmr,
            target_fnmr=person.own.target_fnmr,
            prior=person.own.prior,
        )

    def _usable(self, exemplar: StoredExemplar) -> bool:
        return exemplar.model_id == self._model_id
