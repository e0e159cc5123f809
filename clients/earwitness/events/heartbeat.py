"""Once a second: what the daemon is, does and has lost."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Event
from .following import FollowerState, FollowingState
from .remote import RemoteState
from .satellite import LinkState
from .units import Fraction, FullScale, Megabytes, Milliseconds, Samples, Seconds

StreamCondition = Literal["opening", "live", "lost", "paused", "ended"]


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """One stream. Counters run since the daemon's start, over all reopenings."""

    stream: str
    """its name in the settings"""
    stream_id: str
    """the present opening of the device"""
    state: StreamCondition
    """if it is not `live`, `reason` says why; `lost` is being reopened"""
    device: str
    """what it is, for people"""
    reason: str
    """for people; empty while it is live"""
    position: Samples
    """received since it was opened"""
    level_dbfs: FullScale | None
    """of the last block; null: there was none"""
    speaking: bool
    """somebody, anybody, speaks"""
    speaker: str | None
    """who is verified at present"""
    lag_ms: Milliseconds
    """how far deciding is behind hearing"""
    zero_run_s: Seconds
    """how long the device has delivered nothing but exact zeros"""
    opened: int
    """times it was opened"""
    restarts: int
    """times the capture process was started anew"""
    kills: int
    """of these, because it hung"""
    overflows: int
    """times the device or the capture ring overflowed"""
    stalls: int
    """times the device stopped delivering"""
    gaps: int
    """stretches never heard"""
    lost_samples: Samples
    """in them, and while a lost source was being reopened; what a satellite could not keep counts once it is
    back"""
    speech_s: Seconds
    """net speech heard"""
    windows_scored: int
    """embedded and compared"""
    windows_silent: int
    """too little speech: not embedded"""
    windows_inconclusive: int
    """embedded, but decided nothing"""
    windows_skipped: int
    """whole hops left out because the engine was behind"""
    bad_messages: int
    """of the capture process, not understood"""
    unusable_samples: Samples = 0
    """the device delivered NaN, infinity or absurd values: heard as silence"""
    windows_unembedded: int = 0
    """the engine did not embed them, or not in time: nothing is decided of them"""
    link: LinkState | None = None
    """to the satellite whose microphone it is; null: it is of this machine"""


class EngineState(msgspec.Struct, frozen=True, kw_only=True):
    """The model and how busy it is."""

    model: str
    """as in the settings"""
    model_id: str
    """says which weights"""
    device: str
    """what the model runs on"""
    busy: Fraction
    """how much of the last moment was spent embedding"""
    batch_ms: Milliseconds
    """the last batch"""
    batches: int
    """embedded this boot"""
    windows: int
    """in them"""
    degraded: str = ""
    """why another device than that of the settings computes, for people; empty: that one does"""
    remote: RemoteState | None = None
    """of engines on other machines; null: the settings name none"""


class SocketState(msgspec.Struct, frozen=True, kw_only=True):
    """What went out, and what came in."""

    events: int
    """published this boot"""
    subscriptions: int
    """topics currently subscribed to, each counted once"""
    control_requests: int
    """that came in"""
    control_errors: int
    """of these, answered with an error"""
    refused_clients: int
    """handshakes that failed: no key, a wrong or revoked one, another protocol, broken off"""
    clients: int = 0
    """connections open at present"""
    cut_clients: int = 0
    """connections ended by the daemon: key revoked, no subscription, or too many clients or subscriptions"""
    refused_subscriptions: int = 0
    """subscriptions over the limit"""


class EvidenceState(msgspec.Struct, frozen=True, kw_only=True):
    """Audio around verdicts, written to files because the operator asked for it."""

    kept: int = 0
    """verdicts whose audio was written this boot"""
    failed: int = 0
    """could not be written"""
    dropped: int = 0
    """given up because the disk was too slow"""


class AuditState(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of the audit log."""

    written: int = 0
    """on disk, this boot"""
    failed: int = 0
    """could not be written, and are lost"""
    dropped: int = 0
    """given up because the disk was too slow"""


class Heartbeat(Event, frozen=True, kw_only=True, tag="heartbeat"):
    """Each second: the daemon's whole state."""

    state_group = "heartbeat"

    uptime_s: Seconds
    """since the daemon's start"""
    status: str
    """one line for people, the same that `systemctl status` shows"""
    engine: EngineState
    """the model and how busy it is"""
    streams: list[StreamState]
    """all streams in the settings"""
    sockets: SocketState
    """what went out, and what came in"""
    evidence: EvidenceState | None = None
    """what of it was kept; null: none is"""
    audit: AuditState | None = None
    """what went into the audit log; null: none is kept"""
    following: FollowingState | None = None
    """of a daemon whose people are another's; null: they are its own"""
    followers: list[FollowerState] = msgspec.field(default_factory=list)
    """daemons that have followed this one's profiles since its start, by name"""
    profiles: int
    """people enrolled with the model in use"""
    profiles_other_model: int
    """people enrolled with another model only: they cannot be recognised now"""
    profiles_renewing: int = 0
    """of these, those whose kept enrolment audio is being embedded with the model in use"""
    sessions_unreadable: int = 0
    """enrolment sessions that do not open, damaged or of another database: compared with nobody"""
    rss_mb: Megabytes
    """memory of the daemon's main process"""
    suspended_s: Seconds = 0.0
    """the machine slept so long since the daemon's start: nothing was heard"""
    profiles_damaged: str = ""
    """where a damaged profile database lies that was moved aside at a start; empty: there is none"""
    ttl_s: Seconds = 3.0
    """without a newer one, the daemon hangs or is gone"""
