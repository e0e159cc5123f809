"""What the daemon answers to each request."""

from __future__ import annotations

from typing import Any

import msgspec

from ..events import AnyEvent, ForeignEvent, Heartbeat, decode
from ..events.units import Cosine, Decibels, Fraction, Hertz, LogRatio, Seconds, Timestamp
from .custody import Custody


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `status`."""

    version: str
    """of earwitnessd"""
    pid: int
    """of its main process"""
    boot: str
    """uuid of this start"""
    heartbeat: Heartbeat
    """a fresh one, not the last published"""


class ProfileSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A person, in a list."""

    name: str
    """the person"""
    created: Timestamp
    """when first enrolled"""
    exemplars: int
    """enrolment sessions"""
    usable: int
    """exemplars of the model in use; the others cannot be compared"""
    speech_s: Seconds
    """net speech they rest on"""
    groups: list[str] = msgspec.field(default_factory=list)
    """those this person belongs to, by name"""
    renewing: bool = False
    """the audio kept of the enrolment is being embedded with the model in use"""


class Profiles(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `profiles.list`."""

    model_id: str
    """the model in use"""
    profiles: list[ProfileSummary]
    """everybody"""


class Exemplar(msgspec.Struct, frozen=True, kw_only=True):
    """One enrolment session of a person."""

    created: Timestamp
    """when it was enrolled"""
    model_id: str
    """the model it was made with"""
    usable: bool
    """that is the model in use"""
    label: str
    """the channel it was recorded on"""
    source: str
    """where it is from, for people"""
    speech_s: Seconds
    """net speech it rests on"""
    windows: int
    """embedded for it"""
    consistency: Cosine | None
    """lowest cosine of one window to the mean of the others that share no audio with it; null: none does"""
    snr_db: Decibels | None
    """null: no pause to measure it by"""
    session: int = 0
    """its number, to remove it by"""
    consistency_llr: LogRatio | None = None
    """evidence of the middle window that it is the voice of the others; null: no calibration when enrolled"""
    clipped: Fraction | None = None
    """how many samples are at full scale; null: not known"""
    channel: str | None = None
    """`wideband` or `telephone`, by the spectrum; null: not known"""
    device: str = ""
    """what the source called itself; empty: not known"""
    native_rate: Hertz | None = None
    """of the source, before resampling; null: not known"""
    agreement_cosine: Cosine | None = None
    """to the person's other sessions; null: there are none"""
    agreement_llr: LogRatio | None = None
    """evidence that it is the voice of the other sessions; null: there are none, or no calibration"""
    warnings: list[str] = msgspec.field(default_factory=list)
    """what was said when it was enrolled"""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `profiles.show`."""

    name: str
    """the person"""
    created: Timestamp
    """when first enrolled"""
    exemplars: list[Exemplar]
    """all enrolment sessions"""
    nearest: str | None
    """the other person this one sounds most like; null: there is none"""
    nearest_cosine: Cosine | None
    """how much"""
    custody: Custody = Custody()
    """on what terms they are kept"""
    nearest_llr: LogRatio | None = None
    """evidence that the two are one voice; null: the model has no calibration"""
    nearest_bound: LogRatio | None = None
    """what that would have to reach to count as one voice; null: the model has no calibration"""
    model_id: str = ""
    """the model in use"""
    verdict: str = ""
    """`good`, `fair` or `poor`"""
    findings: list[str] = msgspec.field(default_factory=list)
    """what speaks against it, for people"""
    advice: list[str] = msgspec.field(default_factory=list)
    """what would make it better, for people"""
    groups: list[str] = msgspec.field(default_factory=list)
    """those this person belongs to, by name"""
    target_fmr: Fraction | None = None
    """kept with the profile: of strangers' turns, so many may be taken for them; null: the settings'"""
    target_fnmr: Fraction | None = None
    """kept with it: of this person's turns, so many may be taken for an unknown voice; null: the settings'"""
    prior: Fraction | None = None
    """kept with it: probability that a voice is this person's, before it is heard; null: the settings'"""
    llr_bound: LogRatio | None = None
    """what the evidence has to reach for this person to be verified, with all that holds; null: decided by
    cosine, or there is nothing to compare"""


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """One group."""

    name: str
    """which"""
    members: list[str]
    """who belongs to it and can be compared, by name"""
    watchlist: bool
    """whoever of it is heard is a `watchlist.hit`, not a `group.verified`"""
    ttl_s: Seconds
    """time to live of its verdicts"""
    llr_bound: LogRatio | None
    """what the evidence for anyone of it has to reach; null: decided by cosine, or it has no members"""


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `groups.list`."""

    groups: list[GroupState]
    """by name; those that the settings name too, if nobody belongs to them"""


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `enroll.live`: it has begun."""

    enrolment: str
    """which; progress events name it"""
    stream: str
    """where it listens"""
    needed_s: Seconds
    """net speech to collect"""


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `enroll.audio`: it is done."""

    name: str
    """the person"""
    exemplars: int
    """enrolment sessions, with this one"""
    speech_s: Seconds
    """net speech the new exemplar rests on"""
    consistency: Cosine | None
    """lowest cosine of one window to the mean of the others; null: there was one only"""
    snr_db: Decibels | None
    """null: no pause to measure it by"""
    warnings: list[str]
    """for people"""
    consistency_llr: LogRatio | None = None
    """evidence of the middle window that it is the voice of the others; null: the model has no calibration"""
    clipped: Fraction | None = None
    """how many samples are at full scale"""
    channel: str | None = None
    """`wideband` or `telephone`, by the spectrum; null: it cannot be told"""


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `reload`."""

    profiles: int
    """people enrolled"""
    changed: list[str]
    """settings now in force that were not before"""
    restart_needed: list[str]
    """settings that differ in the file and need a restart"""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `events.since`."""

    boot: str
    """of the daemon that answers"""
    seq: int
    """of its newest event; what comes after it goes to the subscribers"""
    gone_before: int
    """state-bearing events with a smaller `seq` are no longer kept"""
    complete: bool
    """false: some that were asked for are gone, or were another boot's"""
    more: bool
    """not all fit this answer: ask again with the `seq` of the last of them"""
    events: list[dict[str, Any]]
    """in order, as in the events' schema, with `replayed` true"""

    def decoded(self) -> list[AnyEvent | ForeignEvent]:
        """The events as values."""
        return [decode(msgspec.json.encode(event)) for event in self.events]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """Answer where there is nothing to say."""

    message: str = "done"
    """for people"""
