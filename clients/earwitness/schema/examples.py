"""One plausible value of every event, request and answer; the documents and the tests show them."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from ..control import (
    AddStream,
    AddToGroup,
    AnyMethod,
    BeginCheck,
    CancelEnrollment,
    CheckBegun,
    DeleteProfile,
    Done,
    EndCheck,
    EnrollAudio,
    Enrolled,
    EnrollLive,
    Enrolment,
    EventsSince,
    Exemplar,
    Exported,
    ExportProfile,
    FollowAnew,
    FollowedPoint,
    FollowProfiles,
    GetStatus,
    Groups,
    GroupState,
    ImportProfile,
    KeepProfile,
    ListGroups,
    ListProfiles,
    PauseStream,
    Profile,
    ProfileLetter,
    Profiles,
    ProfileSummary,
    Reload,
    Reloaded,
    RemoveFromGroup,
    RemoveSession,
    RemoveStream,
    RenameProfile,
    Replay,
    Reply,
    Request,
    ResumeStream,
    SetProfile,
    ShowProfile,
    Status,
)
from ..events import (
    AnyEvent,
    AuditState,
    DaemonReloaded,
    DaemonStarted,
    DaemonStopping,
    EngineDegraded,
    EngineRestored,
    EngineState,
    EnrollProgress,
    EvidenceState,
    FollowingState,
    GroupLost,
    GroupVerified,
    Heartbeat,
    Latency,
    LinkState,
    ModelSwitched,
    ProfileDeleted,
    ProfileEnrolled,
    ProfileScore,
    ProfilesFollowed,
    ProfileUpdated,
    RemoteState,
    SatelliteCut,
    SocketState,
    SpeakerChanged,
    SpeakerLost,
    SpeakerUnknown,
    SpeakerVerified,
    SpeechStarted,
    SpeechStopped,
    StreamGap,
    StreamLost,
    StreamOpened,
    StreamState,
    WatchlistHit,
    WatchlistLost,
    WindowScored,
)

BOOT = "7459ca99-a612-44b0-b5b8-4441a71fa454"
STREAM, STREAM_ID = "desk", "7459ca99-desk-1"
MODEL = "microsoft/wavlm-base-plus-sv"
MODEL_ID = "wavlm-base-plus-sv@feb593a6"
ENROLMENT = "5f2c8d0e"


def header(seq: int, topic_seq: int = 1, second: float = 26.448) -> dict[str, Any]:
    """Fill in what the publisher fills in."""
    return {
        "boot": BOOT,
        "seq": seq,
        "topic_seq": topic_seq,
        "time": f"2026-11-20T18:40:{second:06.3f}Z",
    }


def audio(start: int, stop: int) -> dict[str, Any]:
    """A stretch of the desk's audio."""
    return {"stream": STREAM, "stream_id": STREAM_ID, "start": start, "stop": stop}


HEARTBEAT = Heartbeat(
    uptime_s=31.0,
    status="desk hears anna",
    engine=EngineState(
        model=MODEL,
        model_id=MODEL_ID,
        device="cpu (1 thread)",
        busy=0.21,
        batch_ms=61.2,
        batches=48,
        windows=48,
        remote=RemoteState(
            windows=46, windows_local=2, failures=1, requests=47, requests_late=1, round_trip_ms=14.2
        ),
    ),
    streams=[
        StreamState(
            stream=STREAM,
            stream_id=STREAM_ID,
            state="live",
            device="USB Audio",
            reason="",
            position=480_000,
            level_dbfs=-31.5,
            speaking=True,
            speaker="anna",
            lag_ms=42.0,
            zero_run_s=0.0,
            opened=1,
            restarts=0,
            kills=0,
            overflows=0,
            stalls=0,
            gaps=1,
            lost_samples=320,
            speech_s=12.4,
            windows_scored=24,
            windows_silent=31,
            windows_inconclusive=2,
            windows_skipped=0,
            bad_messages=0,
            link=LinkState(
                state="up",
                key="desk",
                address="192.168.1.20",
                machine="raspberrypi",
                version="0.1.0",
                round_trip_ms=2.4,
                clock_offset_ms=-14.2,
                drift_ppm=6.1,
                links=1,
            ),
        )
    ],
    sockets=SocketState(events=96, subscriptions=2, control_requests=3, control_errors=0, refused_clients=0),
    evidence=EvidenceState(kept=3),
    audit=AuditState(written=12),
    following=FollowingState(
        writer="desk", endpoint="tcp://10.0.0.5:7802", state="follows", version=41, heard_s=1.2, taken=3
    ),
    profiles=2,
    profiles_other_model=0,
    rss_mb=790.4,
    **header(97, 31),
)

EVENTS: tuple[AnyEvent, ...] = (
    DaemonStarted(
        version="0.1.0",
        pid=4711,
        model=MODEL,
        model_id=MODEL_ID,
        device="cpu (1 thread)",
        streams=[STREAM],
        **header(1, second=0.002),
    ),
    DaemonStopping(reason="SIGTERM", **header(212, second=58.911)),
    DaemonReloaded(
        profiles=2,
        changed=["decision.threshold"],
        restart_needed=["model"],
        error=None,
        **header(98),
    ),
    ModelSwitched(
        model_id=MODEL_ID, renewing=2, renewed=0, must_enrol=["ben"], must_enrol_count=1, **header(2)
    ),
    EngineDegraded(
        device="cpu (3 threads), float32, in place of cuda (NVIDIA L4), bfloat16, scores within 0.0011",
        reason="CUDA error: an illegal memory access was encountered",
        **header(120),
    ),
    EngineRestored(device="cuda (NVIDIA L4), bfloat16, scores within 0.0011", away_s=11.2, **header(131)),
    HEARTBEAT,
    StreamOpened(
        device="USB Audio",
        native_rate=48_000,
        native_channels=2,
        paced=True,
        **audio(0, 0),
        **header(2, second=0.431),
    ),
    StreamLost(reason="the device is gone", final=False, **audio(480_000, 480_000), **header(131)),
    StreamGap(samples=320, reason="overflow", **audio(40_000, 40_320), **header(12, second=2.951)),
    SatelliteCut(
        stream=STREAM,
        key="desk",
        address="192.168.1.20",
        reason="position 960000 where 480000 was due",
        refused_s=10.0,
        **header(133),
    ),
    SpeechStarted(**audio(11_264, 11_264), **header(9, second=1.231)),
    SpeechStopped(**audio(11_264, 71_680), **header(40, second=4.911)),
    WindowScored(
        speech_s=2.2,
        level_dbfs=-23.4,
        peak_dbfs=-9.8,
        snr_db=24.1,
        clipped=0.0,
        overlap=0.02,
        inconclusive=[],
        scores=[
            ProfileScore(
                speaker="anna", cosine=0.91, normalised=6.3, llr=4.6, evidence=4.2, accept=1.9, reject=-2.4
            ),
            ProfileScore(
                speaker="ben", cosine=0.29, normalised=-0.8, llr=-2.1, evidence=-3.6, accept=1.9, reject=-2.4
            ),
        ],
        latency_ms=Latency(capture=11.8, queue=3.9, embed=61.2, decide=0.6, total=77.5),
        **audio(16_000, 64_000),
        **header(30, 7),
    ),
    SpeakerVerified(
        speaker="anna",
        score=0.91,
        threshold=0.72,
        posterior=0.97,
        llr=4.2,
        llr_bound=1.9,
        groups=["family"],
        runner_up="ben",
        margin=0.62,
        evidence_s=2.8,
        since=56_000,
        ttl_s=6.0,
        **audio(16_000, 64_000),
        **header(31, 2),
    ),
    SpeakerChanged(previous="anna", speaker="ben", **audio(160_000, 208_000), **header(74)),
    SpeakerUnknown(
        nearest="ben",
        score=0.34,
        threshold=0.72,
        posterior=0.95,
        llr=-2.6,
        llr_bound=-2.4,
        evidence_s=3.1,
        ttl_s=6.0,
        **audio(240_000, 288_000),
        **header(88),
    ),
    SpeakerLost(previous="anna", reason="silence", **audio(112_000, 160_000), **header(60)),
    GroupVerified(
        group="family",
        members=3,
        likeliest="anna",
        score=0.91,
        threshold=0.72,
        posterior=0.98,
        llr=3.1,
        llr_bound=1.9,
        evidence_s=2.8,
        since=56_000,
        ttl_s=6.0,
        **audio(16_000, 64_000),
        **header(32),
    ),
    GroupLost(group="family", reason="silence", **audio(112_000, 160_000), **header(61)),
    WatchlistHit(
        group="banned",
        members=12,
        likeliest="mallory",
        score=0.88,
        threshold=0.72,
        posterior=0.91,
        llr=6.2,
        llr_bound=4.4,
        evidence_s=4.1,
        since=272_000,
        ttl_s=10.0,
        **audio(240_000, 288_000),
        **header(89),
    ),
    WatchlistLost(group="banned", reason="another_voice", **audio(300_000, 340_000), **header(95)),
    ProfileEnrolled(speaker="anna", exemplars=1, speech_s=12.3, **header(21)),
    ProfileUpdated(speaker="anna", exemplars=2, renamed_from=None, **header(55)),
    ProfileDeleted(speaker="ben", **header(140)),
    ProfilesFollowed(writer="desk", version=41, added=1, changed=0, removed=0, people=2, **header(141)),
    EnrollProgress(
        enrolment=ENROLMENT,
        stream=STREAM,
        speaker="anna",
        state="listening",
        speech_s=4.5,
        needed_s=12.0,
        hint="keep talking",
        level_dbfs=-24.0,
        snr_db=23.5,
        consistency=0.81,
        consistency_llr=3.2,
        session_snr_db=23.5,
        clipped=0.0,
        windows=5,
        unusable=1,
        channel="wideband",
        **header(17, 3),
    ),
)

CONTROL: tuple[tuple[AnyMethod, msgspec.Struct], ...] = (
    (GetStatus(), Status(version="0.1.0", pid=4711, boot=BOOT, heartbeat=HEARTBEAT)),
    (
        ListProfiles(),
        Profiles(
            model_id=MODEL_ID,
            profiles=[
                ProfileSummary(
                    name="anna", created="2026-11-20T18:31:07.120Z", exemplars=1, usable=1, speech_s=12.3
                )
            ],
        ),
    ),
    (
        ShowProfile(name="anna"),
        Profile(
            name="anna",
            created="2026-11-20T18:31:07.120Z",
            exemplars=[
                Exemplar(
                    created="2026-11-20T18:31:07.120Z",
                    model_id=MODEL_ID,
                    usable=True,
                    label="",
                    source="stream desk",
                    speech_s=12.3,
                    windows=9,
                    consistency=0.81,
                    snr_db=23.5,
                    session=4,
                    consistency_llr=3.2,
                    clipped=0.0,
                    channel="wideband",
                    device="USB Audio, Blue Yeti",
                    native_rate=48_000,
                )
            ],
            nearest="ben",
            nearest_cosine=0.31,
            nearest_llr=-2.4,
            nearest_bound=3.5,
            model_id=MODEL_ID,
            verdict="good",
            advice=["add a session on another day: voices change from day to day more than within one"],
        ),
    ),
    (DeleteProfile(name="ben"), Done(message="ben is deleted")),
    (RenameProfile(name="anna", new_name="Anna-K"), Done(message="anna is Anna-K now")),
    (RemoveSession(name="anna", session=4), Done(message="session 4 of anna is gone, 1 left")),
    (
        SetProfile(name="anna", target_fmr=0.001),
        Profile(
            name="anna",
            created="2026-11-20T18:31:07.120Z",
            exemplars=[],
            nearest=None,
            nearest_cosine=None,
            groups=["family"],
            target_fmr=0.001,
            llr_bound=4.2,
        ),
    ),
    (
        ListGroups(),
        Groups(
            groups=[
                GroupState(name="banned", members=["mallory"], watchlist=True, ttl_s=10.0, llr_bound=4.4),
                GroupState(name="family", members=["anna", "ben"], watchlist=False, ttl_s=6.0, llr_bound=1.9),
            ]
        ),
    ),
    (AddToGroup(group="family", name="anna"), Done(message="anna is one of family now, of 2")),
    (RemoveFromGroup(group="family", name="anna"), Done(message="anna is no longer one of family")),
    (EnrollLive(name="anna"), Enrolment(enrolment=ENROLMENT, stream=STREAM, needed_s=12.0)),
    (CancelEnrollment(enrolment=ENROLMENT), Done(message="cancelled")),
    (
        EnrollAudio(name="ben", label="headset", source="ben.wav"),
        Enrolled(name="ben", exemplars=1, speech_s=21.9, consistency=0.77, snr_db=31.0, warnings=[]),
    ),
    (
        KeepProfile(name="anna", consent="form 12", keep_until="2027-01-31"),
        Done(message="anna: consent is recorded; kept until 2027-01-31"),
    ),
    (
        ExportProfile(name="anna", passphrase="correct horse battery"),  # noqa: S106 - opens nothing
        Exported(name="anna", sessions=2, content=b'{"header": {}, "content": ""}'),
    ),
    (
        ImportProfile(passphrase="correct horse battery"),  # noqa: S106 - opens nothing
        Done(message="anna is enrolled, with 2 sessions"),
    ),
    (BeginCheck(name="anna"), CheckBegun(attempt="5f2c9a1e07bd", wait_s=0.0, failures=1)),
    (
        EndCheck(name="anna", attempt="5f2c9a1e07bd", outcome="verified"),
        Done(message="anna: 0 failures in a row"),
    ),
    (
        FollowProfiles(
            known=FollowedPoint(lineage="5cbb0df7e1a24d0f", version=40, mark="c07a91d5"),
            nonce="9f86d081884c7d659a2feaa0",
            wait_s=3.0,
        ),
        ProfileLetter(content=b"..."),
    ),
    (FollowAnew(), Done(message="the people of desk are taken as they are, as soon as it answers")),
    (PauseStream(stream=STREAM), Done(message="desk is paused")),
    (ResumeStream(stream=STREAM), Done(message="desk is opened again")),
    (
        AddStream(stream="lobby", source={"source": "file", "path": "/srv/lobby.wav", "loop": True}),
        Done(message="stream lobby is being opened, until the daemon ends"),
    ),
    (RemoveStream(stream="lobby"), Done(message="stream lobby is removed")),
    (Reload(), Reloaded(profiles=2, changed=["decision.threshold"], restart_needed=[])),
    (
        EventsSince(boot=BOOT, seq=30, topics=["speaker"]),
        Replay(
            boot=BOOT,
            seq=36,
            gone_before=1,
            complete=True,
            more=False,
            events=[
                msgspec.to_builtins(msgspec.structs.replace(event, replayed=True))
                for event in EVENTS
                if event.type == "speaker.verified"
            ],
        ),
    ),
)


def request(method: AnyMethod) -> dict[str, Any]:
    """Put a method in its envelope."""
    asked = Request(id="1", method=method.method, params=msgspec.Raw(msgspec.json.encode(method)))
    return cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(asked)))


def reply(result: msgspec.Struct) -> dict[str, Any]:
    """Put a result in its envelope."""
    answer = Reply(id="1", result=msgspec.Raw(msgspec.json.encode(result)))
    return cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(answer)))
