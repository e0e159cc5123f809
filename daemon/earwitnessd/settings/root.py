"""Every setting there is, with its default and its range."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import msgspec

from earwitnessd.settings.enrolment import Enrolment
from earwitnessd.settings.overlap import Overlap
from earwitnessd.settings.remote import Remote
from earwitnessd.settings.sharing import FollowSettings, ShareSettings
from earwitnessd.settings.sources import AnySource, Microphone
from earwitnessd.settings.speech_gate import SpeechGateSettings

StreamName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,31}$(?!\n)",  # $ alone would let a line feed follow
        description="text of 1 to 32 letters, digits, _ and -",
    ),
]
GroupName = Annotated[
    str,
    msgspec.Meta(pattern=r"^[\w][\w-]{0,63}$(?!\n)", description="text of 1 to 64 letters, digits, _ and -"),
]
LEAST_MEMORY_S = 30.0  # of a stream's audio: so much is always remembered
Cosine = Annotated[float, msgspec.Meta(ge=-1.0, le=1.0)]
Share = Annotated[float, msgspec.Meta(ge=1e-6, le=0.5)]
Prior = Annotated[float, msgspec.Meta(ge=1e-9, le=1.0 - 1e-9)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings."""


class Engine(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model runs on."""

    device: str = "auto"
    # "auto", "cpu", "mps", "cuda" or "cuda:N"
    threads: Annotated[int, msgspec.Meta(ge=0, le=256)] | Literal["auto"] = "auto"
    # "auto" (or 0): all cores but one, which is left to the audio
    precision: Literal["exact", "fast", "auto"] = "exact"
    # "fast": bfloat16 where the device has units for it; "auto": that, where no score tells the difference
    backend: Literal["torch", "auto", "openvino", "compiled"] = "torch"
    # what computes exact embeddings on the CPU; "auto": torch, until a measurement shows another to be faster
    amx: bool | Literal["auto"] = "auto"
    # on a CPU with AMX, kernels of our own compute (true) or torch (false); "auto": whichever is faster there
    max_lag_s: Annotated[float, msgspec.Meta(gt=0.0, le=60.0)] = 2.0
    # a live stream further behind than this skips whole hops
    remote: Remote | None = None
    # engines on other machines; left out: this one computes

    def __post_init__(self) -> None:
        if self.remote and self.remote.deadline_s > self.max_lag_s:
            raise ValueError(
                f"remote.deadline_s = {self.remote.deadline_s:g}: must be at most max_lag_s = "
                f"{self.max_lag_s:g}, or hops would be skipped while one answer is waited for"
            )

    def steady(self) -> Self:
        """One that computes alike every time, however fast the machine happens to be."""
        return msgspec.structs.replace(self, backend="torch", amx=self.amx is not False)


class Windows(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The stretches of audio that are compared."""

    length_s: Annotated[float, msgspec.Meta(ge=0.5, le=20.0)] = 3.0
    hop_s: Annotated[float, msgspec.Meta(ge=0.05, le=20.0)] = 0.5
    scores: Annotated[int, msgspec.Meta(ge=2, le=100_000)] = 20
    # in each window.scored: of so many people, the most alike; besides them of whoever is in force or being
    # enrolled on the stream, and of those in decision.people


class Quality(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes a window inconclusive."""

    max_clipped: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.01
    # fraction of samples at full scale
    min_snr_db: Annotated[float, msgspec.Meta(ge=-20.0, le=60.0)] = 3.0
    channel_mismatch: Literal["mark", "inconclusive", "ignore"] = "mark"
    # a window from another kind of channel (telephone, wideband) than the likeliest person was enrolled on:
    # "mark" says so and decides all the same


class OwnTargets(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for one person or one group instead of what `decision` says; left out: that."""

    target_fmr: Share | None = None
    # of strangers' turns, so many may be taken for this one
    target_fnmr: Share | None = None
    prior: Prior | None = None
    # probability that a voice is this one's rather than a stranger's


class PersonDecision(OwnTargets, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for one person only."""


class GroupDecision(OwnTargets, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for one group only; who belongs to it lies with the profiles."""

    watchlist: bool = False
    # true: whoever of it is heard is a watchlist.hit
    ttl_s: Annotated[float, msgspec.Meta(ge=1.0, le=3600.0)] | None = None
    # it is over when nothing has supported it for this long


class Decision(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a voice counts as somebody's."""

    method: Literal["auto", "calibrated", "cosine"] = "auto"
    # calibrated: evidence that adds up; cosine: a fixed threshold. "auto": calibrated if the model has a
    # calibration and no threshold is set
    calibration: str = "auto"
    # a directory of `earwitnessd calibrate`; "auto": the one it writes to by itself, else the model's own
    target_fmr: Share = 0.01
    # of strangers' turns, so many may be taken for a given person; this and the next eight: calibrated only
    target_fmr_for: Literal["anybody", "each"] = "each"
    # "each": for a given person; "anybody": for all who are enrolled together, without those whose own
    # target_fmr counts apart: with many people, each needs much more evidence
    target_fnmr: Share = 0.05
    # of enrolled people's turns, so many may be taken for unknown
    prior: Prior = 0.5
    # probability that a voice is an enrolled person's, before it is heard
    people: dict[str, PersonDecision] = {}
    # by name: who needs other rates than the others; counts more than what is kept with the profile
    groups: dict[GroupName, GroupDecision] = {}
    # by name: which of the profiles' groups need other rates, and which are watchlists
    half_life_s: Annotated[float, msgspec.Meta(ge=0.5, le=60.0)] = 2.0
    # of evidence: what was heard so long ago counts half
    min_lead: Annotated[float, msgspec.Meta(ge=0.0, le=20.0)] = 1.0
    # nats by which the evidence for a person must exceed that for the next
    threshold: Cosine | Literal["auto"] = "auto"
    # cosine; "auto": what the model's card recommends. This and the next four: cosine only
    hysteresis: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.05
    # a verified person stays verified down to threshold - hysteresis
    min_margin: Annotated[float, msgspec.Meta(ge=0.0, le=2.0)] = 0.04
    # the nearest person must be this much nearer than the next
    verify_windows: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    # so many windows in a row make a person verified
    unknown_windows: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4
    # so many in a row make a voice unknown
    ttl_s: Annotated[float, msgspec.Meta(ge=1.0, le=3600.0)] = 6.0
    # a decision is lost when nothing has supported it for this long


class Curve(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys for tcp sockets; `earwitnessd keys new` makes them."""

    secret_key_file: str
    # the daemon's own
    subscribers: str
    # a directory of public keys (*.key) that may subscribe
    controllers: str
    # a directory of public keys (*.key) that may control
    satellites: str = ""
    # a directory of public keys (*.key) whose microphones may be heard
    followers: str = ""
    # a directory of public keys (*.key) of daemons that may follow the profiles and do nothing else


class Sockets(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where subscribers and controllers connect."""

    events: str = "auto"
    # "auto", ipc://PATH or tcp://ADDRESS:PORT
    control: str = "auto"
    satellites: str = ""
    # where `earwitness-mic` connects, tcp://ADDRESS:PORT; empty: nowhere. Needs curve.satellites
    group: str | None = None
    # owns the ipc sockets, mode 0660
    curve: Curve | None = None
    insecure: bool = False
    # true: tcp without keys; anybody who reaches the port hears and controls everything
    replay_events: Annotated[int, msgspec.Meta(ge=0, le=20_000)] = 1000
    # state-bearing events kept for subscribers that missed some
    max_clients: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 256
    # connections to each of the two sockets
    max_subscriptions: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 64
    # topics that one connection may subscribe to


class Evidence(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Audio around verdicts, kept as files: off unless you ask for it."""

    keep: bool = False
    # true: people's voices are written to disk
    events: tuple[Literal["speaker.verified", "speaker.unknown", "speaker.changed", "watchlist.hit"], ...] = (
        "speaker.verified",
        "speaker.unknown",
    )
    # the verdicts to keep, each once: not when it is only said again
    before_s: Annotated[float, msgspec.Meta(ge=0.0, le=3600.0)] = 3.0
    # before the window that decided
    after_s: Annotated[float, msgspec.Meta(ge=0.0, le=60.0)] = 2.0
    # after it
    directory: str = "auto"
    # "auto": beside the profiles, in the state directory
    retention_days: Annotated[float, msgspec.Meta(gt=0.0, le=3660.0)] = 7.0
    # older evidence is deleted
    max_files: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    # so are the oldest verdicts beyond so many
    memory_s: Annotated[float, msgspec.Meta(ge=0.0, le=3600.0)] = 0.0
    # so much of each stream's audio stays in memory (64 kB a second), never less than 30 s


class Metrics(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures for Prometheus, over HTTP."""

    listen: str = ""
    # such as 127.0.0.1:9464; empty: nobody is served
    insecure: bool = False
    # true: also at an address that other machines can reach; there is no encryption and no password


class Templates(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the voice templates of the enrolled are protected, and for how long they are kept."""

    key_file: str = "auto"
    # what they are encrypted with; "auto": systemd's credential template.key, else a file beside the database
    require_consent: bool = False
    # true: who has no consent recorded is neither enrolled nor compared
    keep_days: Annotated[float, msgspec.Meta(ge=0.0, le=36_600.0)] = 0.0
    # people are deleted so long after they were first enrolled; 0: never
    forget_after_days_unheard: Annotated[float, msgspec.Meta(ge=0.0, le=36_600.0)] = 0.0
    # people who were not verified for so long are deleted; 0: never
    allow_export: bool = True
    # false: no template leaves this machine, not even encrypted


class Audit(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log of who asked for what, and of each change of a verdict."""

    keep: bool = True
    file: str = "auto"
    # "auto": audit.jsonl beside the profiles, in the state directory
    max_mb: Annotated[float, msgspec.Meta(ge=0.01, le=10_000.0)] = 10.0
    # then a new file is begun
    files: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    # old ones kept beside it


class Settings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    model: str = "builtin"
    # "builtin", a directory, or a pulled model such as microsoft/wavlm-base-plus-sv
    streams: dict[StreamName, AnySource] = msgspec.field(default_factory=lambda: {"mic": Microphone()})
    engine: Engine = Engine()
    windows: Windows = Windows()
    speech_gate: SpeechGateSettings = SpeechGateSettings()
    quality: Quality = Quality()
    overlap: Overlap = Overlap()
    enrolment: Enrolment = Enrolment()
    decision: Decision = Decision()
    sockets: Sockets = Sockets()
    metrics: Metrics = Metrics()
    evidence: Evidence = Evidence()
    profiles: str = "auto"
    # the database file; "auto": the state directory
    share: ShareSettings | None = None
    # other daemons may follow the profiles
    follow: FollowSettings | None = None
    # the profiles are another daemon's
    templates: Templates = Templates()
    audit: Audit = Audit()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
