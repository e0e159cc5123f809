"""Everything that can be asked of the daemon: a class for each method, its fields the parameters."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from ..events.units import Fraction, Seconds
from .custody import CheckBegun, Exported
from .following import FollowedPoint, ProfileLetter
from .results import Done, Enrolled, Enrolment, Groups, Profile, Profiles, Reloaded, Replay, Status

Name = Annotated[
    str, msgspec.Meta(pattern=r"^[\w][\w-]{0,63}$(?!\n)", description="letters, digits, _ and -")
]
ConsentText = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Passphrase = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
Day = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$(?!\n)", description="a date, 2027-01-31")]
EnrolSeconds = Annotated[Seconds, msgspec.Meta(ge=2.0, le=300.0)]
Rate = Annotated[Fraction, msgspec.Meta(ge=1e-6, le=0.5)]
Prior = Annotated[Fraction, msgspec.Meta(ge=1e-9, le=1.0 - 1e-9)]
Patience = Annotated[Seconds, msgspec.Meta(ge=5.0, le=3600.0)]


class Method(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every request has: the method's name on the wire, and what answers it."""

    method: ClassVar[str]
    result: ClassVar[type[msgspec.Struct]]


class GetStatus(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The daemon's whole state, as in the heartbeat."""

    method = "status"
    result = Status


class ListProfiles(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everybody who is enrolled."""

    method = "profiles.list"
    result = Profiles


class ShowProfile(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person with all exemplars."""

    method = "profiles.show"
    result = Profile
    name: Name
    """the person"""


class DeleteProfile(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Forget a person."""

    method = "profiles.delete"
    result = Done
    name: Name
    """the person"""


class RenameProfile(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give a person another name."""

    method = "profiles.rename"
    result = Done
    name: Name
    """the person"""
    new_name: Name
    """the name from now on"""


class SetProfile(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decide about a person by another operating point than the settings'; it is kept with the profile."""

    method = "profiles.set"
    result = Profile
    name: Name
    """the person"""
    target_fmr: Rate | None = None
    """of strangers' turns, so many may be taken for this person; null: as it was"""
    target_fnmr: Rate | None = None
    """of this person's turns, so many may be taken for an unknown voice; null: as it was"""
    prior: Prior | None = None
    """probability that a voice is this person's and no stranger's, before it is heard; null: as it was"""
    clear: bool = False
    """true: first forget what was set, so that the settings hold again"""


class ListGroups(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All groups: who belongs to them, and what their verdicts need."""

    method = "groups.list"
    result = Groups


class AddToGroup(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a person one of a group; the group begins with its first member."""

    method = "groups.add"
    result = Done
    group: Name
    """which"""
    name: Name
    """the person"""


class RemoveFromGroup(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take a person out of a group; it ends with its last member."""

    method = "groups.remove"
    result = Done
    group: Name
    """which"""
    name: Name
    """the person"""


class RemoveSession(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Forget one session of a person; the last one stays."""

    method = "profiles.remove_session"
    result = Done
    name: Name
    """the person"""
    session: int
    """its number, as `profiles.show` answers it"""


class EnrollLive(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Enrol from a running stream; answers at once, progress comes as `enroll.progress` events."""

    method = "enroll.live"
    result = Enrolment
    name: Name
    """the person"""
    stream: str | None = None
    """where to listen; may be left out when there is only one"""
    speech_s: EnrolSeconds = 12.0
    """net speech to collect"""
    timeout_s: Patience = 120.0
    """give up after"""
    consent: ConsentText | None = None
    """what the person agreed to, or where that is written; kept with the profile"""


class CancelEnrollment(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End a running enrolment without a profile."""

    method = "enroll.cancel"
    result = Done
    enrolment: str
    """which; `enroll.live` answered it"""


class EnrollAudio(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Enrol from a recording: the bytes of the sound file are the frame after the JSON."""

    method = "enroll.audio"
    result = Enrolled
    name: Name
    """the person"""
    label: str = ""
    """what kind of channel it was recorded on"""
    source: str = ""
    """the file's name, for people"""
    consent: ConsentText | None = None
    """what the person agreed to, or where that is written; kept with the profile"""


class KeepProfile(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Record a person's consent, or until when they are kept; what is left out stays."""

    method = "profiles.keep"
    result = Done
    name: Name
    """the person"""
    consent: ConsentText | None = None
    """what they agreed to, or where that is written"""
    keep_until: Day | None = None
    """deleted from this day on (UTC); empty: no end"""


class ExportProfile(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person with all sessions, encrypted, for another machine."""

    method = "profiles.export"
    result = Exported
    name: Name
    """the person"""
    passphrase: Passphrase
    """opens it again; or the content of a key file"""


class ImportProfile(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take in an exported person; the file is the frame after the JSON."""

    method = "profiles.import"
    result = Done
    passphrase: Passphrase
    """it was exported with"""
    name: Name | None = None
    """another name than they had there; null: the same"""


class FollowProfiles(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changed since a point of this daemon's history; asked by daemons whose keys may follow."""

    method = "profiles.follow"
    result = ProfileLetter
    known: FollowedPoint = FollowedPoint()
    """what is in force at the follower; no lineage: everybody is asked for"""
    kind: Literal["changes", "snapshot"] | None = None
    """of the pages that came so far; null: the first is asked for"""
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    """the version they reach"""
    begun: FollowedPoint = FollowedPoint()
    """the newest point when the first was sent"""
    nonce: Annotated[str, msgspec.Meta(min_length=16, max_length=64)]
    """random: the answer has it too"""
    wait_s: Annotated[Seconds, msgspec.Meta(ge=0.0, le=30.0)] = 0.0
    """where nothing has changed yet, wait so long for a change"""


class FollowAnew(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At a follower: take the writer's people as they are now, in place of everybody who is here."""

    method = "profiles.follow_anew"
    result = Done


class BeginCheck(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask whether somebody may be checked now; counts as failed until `check.end` tells otherwise."""

    method = "check.begin"
    result = CheckBegun
    name: Name
    """the person, or the group"""
    group: bool = False
    """`name` is a group's: whether it is anyone of them"""


class EndCheck(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell how a check ended: `verified` forgets the failures, `inconclusive` was none."""

    method = "check.end"
    result = Done
    name: Name
    """the person, or the group"""
    group: bool = False
    """`name` is a group's"""
    attempt: str
    """`check.begin` answered it"""
    outcome: Literal["verified", "other", "inconclusive"]
    """`other`: somebody else was heard, or an unknown voice"""


class PauseStream(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let go of a stream's device."""

    method = "stream.pause"
    result = Done
    stream: str
    """its name in the settings"""


class ResumeStream(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Open a paused stream again."""

    method = "stream.resume"
    result = Done
    stream: str
    """its name in the settings"""


class AddStream(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Listen to one more stream, until the daemon ends: the settings file stays as it is."""

    method = "stream.add"
    result = Done
    stream: str
    """a name that no stream has"""
    source: dict[str, Any]
    """what the settings would say of it below `streams`: `source`, and the fields of that kind of source"""


class RemoveStream(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Listen to a stream no longer; one that the settings file names comes back with the next reload."""

    method = "stream.remove"
    result = Done
    stream: str
    """its name"""


class Reload(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Read settings and profiles again, as SIGHUP does."""

    method = "reload"
    result = Reloaded


class EventsSince(Method, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state-bearing events that were published after one that was heard."""

    method = "events.since"
    result = Replay
    boot: str
    """of the last event heard; of another boot there is nothing, and this one's events are answered"""
    seq: Annotated[int, msgspec.Meta(ge=0)]
    """of the last event heard"""
    topics: Annotated[list[str], msgspec.Meta(max_length=64)] = []
    """prefixes by whole segments, such as `speaker.verified.desk`; none: all topics"""


AnyMethod = (
    GetStatus
    | ListProfiles
    | ShowProfile
    | DeleteProfile
    | RenameProfile
    | RemoveSession
    | SetProfile
    | ListGroups
    | AddToGroup
    | RemoveFromGroup
    | EnrollLive
    | CancelEnrollment
    | EnrollAudio
    | PauseStream
    | ResumeStream
    | AddStream
    | RemoveStream
    | Reload
    | EventsSince
    | KeepProfile
    | ExportProfile
    | ImportProfile
    | BeginCheck
    | EndCheck
    | FollowProfiles
    | FollowAnew
)

METHODS: dict[str, type[AnyMethod]] = {kind.method: kind for kind in AnyMethod.__args__}
