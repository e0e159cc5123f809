"""One plausible value of every request and of its answer."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from ...control import (
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
from .common import BOOT, ENROLMENT, MODEL_ID, STREAM
from .events import EVENTS
from .heartbeat import HEARTBEAT

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
