"""The terms people are kept on: consent, retention, export and import, failed checks."""

from __future__ import annotations

import logging
import sqlite3
from datetime import date

import msgspec

from earwitness import control
from earwitness.control import (
    BeginCheck,
    Done,
    EndCheck,
    ExportProfile,
    ImportProfile,
    KeepProfile,
)
from earwitness.events import Event, ProfileDeleted, ProfileEnrolled, ProfileUpdated, SpeakerVerified
from earwitnessd.profiles.carrying import Carried, Session
from earwitnessd.profiles.checks import Checks
from earwitnessd.profiles.errors import ProfileError
from earwitnessd.profiles.hammering import left_s
from earwitnessd.profiles.keeping import Consent
from earwitnessd.profiles.people import People
from earwitnessd.profiles.retention import Kept, Over, Terms, expired, last_seen_s
from earwitnessd.settings.root import Templates
from earwitnessd.templates.parcel import ParcelError, pack, unpack
from earwitnessd.trusted_clock import DAY_S, HOUR_S, Believed, Clock

FLOAT_BYTES = 4
# of a value in a template
log = logging.getLogger(__name__)

CustodyMethod = KeepProfile | ExportProfile | ImportProfile | BeginCheck | EndCheck
Answered = tuple[msgspec.Struct, list[Event]]


class Custody:
    """Owned by the engine thread."""

    def __init__(self, people: People, settings: Templates, clock: Clock | None = None) -> None:
        self._people = people
        self._settings = settings
        self._terms = Terms(settings.keep_days, settings.forget_after_days_unheard)
        self._clock = clock or Clock()
        self._believed = Believed()
        self._doubted = self._warned = False
        # the clock is; and it was said
        self._next_look_s = 0.0
        self._checks = Checks(people, self._clock)
        self._agreed: dict[str, tuple[str, str]] = {}
        # by who is being enrolled: what to, and who said so
        self._heard: dict[str, str] = {}
        # when somebody was last heard, as stored

    def require_consent(self, name: str, given: str | None) -> None:
        """ProfileError where consent is required, and neither given nor recorded."""
        if given or not self._settings.require_consent:
            return
        try:
            recorded = self._people.store.profile(name).keeping.consent
        except ProfileError:
            recorded = None
        if recorded is None:
            raise ProfileError(
                "refused",
                f"{name} has no consent recorded, and templates.require_consent asks for it: say what they "
                f"agreed to, or where that is written: earwitness enroll {name} --consent TEXT",
            )

    def before_enrolment(self, name: str, consent: str | None, caller: str) -> None:
        """Somebody is to be enrolled: what they agreed to is recorded once they are."""
        self.require_consent(name, consent)
        self._agreed.pop(name, None)
        if consent:
            self._agreed[name] = (consent, caller)

    def record_consent(self, name: str, text: str | None, caller: str) -> None:
        """That somebody agreed, if they did."""
        if text:
            consent = Consent(at=self._stamp(), by=caller or "not known", text=text)
            self._people.store.keep(name, lambda kept: msgspec.structs.replace(kept, consent=consent))

    def answer(self, method: CustodyMethod, attachment: bytes, caller: str) -> Answered:
        """Do what is asked; ProfileError if it cannot be done."""
        match method:
            case KeepProfile():
                return self._keep(method, caller), []
            case ExportProfile(name=name, passphrase=passphrase):
                return self._export(name, passphrase), []
            case ImportProfile():
                return self._import(method, attachment)
            case BeginCheck():
                return self._checks.begin(method), []
            case EndCheck():
                return self._checks.end(method), []

    def shown(self, profile: msgspec.Struct) -> msgspec.Struct:
        """A profile with the terms that this person is kept on; anything else as it is."""
        if not isinstance(profile, control.Profile):
            return profile
        store = self._people.store
        kept = store.profile(profile.name).keeping
        consent = kept.consent
        terms = control.Custody(
            consent=control.Consent(at=consent.at, by=consent.by, text=consent.text) if consent else None,
            keep_until=kept.keep_until,
            last_heard=kept.last_heard,
            failed_checks=kept.failed_checks,
            wait_s=left_s(kept.check_again, kept.failed_checks, self._clock.wall_s()),
            unreadable=[problem for problem in store.unreadable if f" of {profile.name} does not" in problem],
        )
        return msgspec.structs.replace(profile, custody=terms)

    def on_events(self, events: list[Event]) -> None:
        """Note the day somebody was heard, and the consent of whoever is enrolled now."""
        for event in events:
            match event:
                case SpeakerVerified(speaker=name):
                    self._note_heard(name)
                case ProfileEnrolled(speaker=name) | ProfileUpdated(speaker=name) if name in self._agreed:
                    self._note_consent(name)

    def expire(self) -> list[Event]:
        """Delete whose time is over; looked at when the daemon starts, and once a day."""
        monotonic_s = self._clock.monotonic_s()
        if monotonic_s < self._next_look_s:
            return []
        try:
            people = [Kept(*each) for each in self._people.store.terms()]
            over = expired(people, self._terms, self._clock.now())
            trusted = self._is_clock_trusted(monotonic_s, people, over)
            self._next_look_s = monotonic_s + (DAY_S if trusted else HOUR_S)
            return self._delete(over) if trusted else []
        except sqlite3.Error as error:
            self._next_look_s = monotonic_s + DAY_S
            log.error("who was kept long enough could not be deleted, tried again tomorrow: %s", error)
            return []

    def _is_clock_trusted(self, monotonic_s: float, people: list[Kept], over: list[Over]) -> bool:
        """Said once if somebody would be deleted by a clock that may be wrong."""
        self._doubted = not self._believed.look(
            self._clock.wall_s(), monotonic_s, last_seen_s(people), synchronised=self._clock.synchronised()
        )
        if over and self._doubted and not self._warned:
            log.warning(
                "the clock says %s, by which %d people were kept long enough; it was set, or is not "
                "synchronised and far beyond all that is stored: nobody is deleted for a day",
                self._clock.now().strftime("%Y-%m-%d %H:%M"),
                len(over),
            )
        self._warned = bool(over) and self._doubted
        return not self._doubted

    def _delete(self, over: list[Over]) -> list[Event]:
        for name, reason in over:
            self._people.store.delete(name)
            log.warning("%s was kept long enough (%s) and is deleted", name, reason)
        if over:
            self._people.reload()
        return [ProfileDeleted(speaker=name, reason=reason) for name, reason in over]

    def _note_consent(self, name: str) -> None:
        text, caller = self._agreed.pop(name)
        try:
            self.record_consent(name, text, caller)
            self._people.reread(name)
        except (ProfileError, sqlite3.Error) as error:
            log.error("the consent of %s is not stored, record it again: %s", name, error)

    def _note_heard(self, name: str) -> None:
        today = self._clock.now().date().isoformat()
        if self._heard.get(name) == today or self._doubted:
            return
        self._heard[name] = today
        try:
            self._people.store.keep(name, lambda kept: msgspec.structs.replace(kept, last_heard=today))
        except (ProfileError, sqlite3.Error) as error:
            log.warning("that %s was heard today is not stored: %s", name, error)

    def _keep(self, method: KeepProfile, caller: str) -> Done:
        until = method.keep_until
        if until:
            try:
                date.fromisoformat(until)
            except ValueError:
                raise ProfileError("bad_request", f"{until!r} is no date, such as 2027-01-31") from None
        store = self._people.store
        if until is not None:
            store.keep(method.name, lambda kept: msgspec.structs.replace(kept, keep_until=until or None))
        self.record_consent(method.name, method.consent, caller)
        kept = store.profile(method.name).keeping
        self._people.reread(method.name)
        agreed = "consent is recorded" if kept.consent else "no consent is recorded"
        end = f"kept until {kept.keep_until}" if kept.keep_until else "no end is set"
        return Done(message=f"{method.name}: {agreed}; {end}")

    def _export(self, name: str, passphrase: str) -> control.Exported:
        if not self._settings.allow_export:
            raise ProfileError("refused", "templates.allow_export is false: no template leaves this machine")
        carried = self._people.store.take_out(name)
        try:
            content = pack(msgspec.json.encode(carried), passphrase)
        except ParcelError as error:
            raise ProfileError("refused", str(error)) from None
        return control.Exported(name=name, sessions=len(carried.sessions), content=content)

    def _import(self, method: ImportProfile, attachment: bytes) -> Answered:
        try:
            carried = msgspec.json.decode(unpack(attachment, method.passphrase), type=Carried)
        except ParcelError as error:
            raise ProfileError("refused", str(error)) from None
        except msgspec.DecodeError as error:
            raise ProfileError("refused", f"was made by another version of earwitness: {error}") from None
        name = method.name or carried.name
        usable = self._admitted(name, carried)
        self._people.store.bring_in(carried, name)
        self._people.reread(name)
        speech_s = sum(session.speech_s for session in usable)
        enrolled = ProfileEnrolled(speaker=name, exemplars=len(carried.sessions), speech_s=speech_s)
        return Done(message=f"{name} is enrolled, with {len(carried.sessions)} sessions"), [enrolled]

    def _admitted(self, name: str, carried: Carried) -> list[Session]:
        """Whether it can be used here; its sessions of the model in use."""
        model_id = self._people.model_id
        usable = [session for session in carried.sessions if session.model_id == model_id]
        if not usable:
            theirs = ", ".join(sorted({session.model_id for session in carried.sessions})) or "no model"
            raise ProfileError(
                "refused",
                f"{name} was enrolled with the model {theirs}, and in use here is {model_id}: embeddings of "
                "different models cannot be compared. Use that model here, or enrol anew",
            )
        wanted = self._people.dimension
        found = {len(session.vector) // FLOAT_BYTES for session in usable}
        if wanted is not None and found != {wanted}:
            counts = ", ".join(str(count) for count in sorted(found))
            raise ProfileError(
                "refused",
                f"{name}'s templates have {counts} values, and those of {model_id} have {wanted}: the file "
                "is not of this model, whatever it says",
            )
        if carried.consent is None:
            self.require_consent(name, None)
        return usable

    def _stamp(self) -> str:
        return self._clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
