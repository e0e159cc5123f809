"""What the fake daemon answers about its people and their enrolments."""

from __future__ import annotations

import msgspec

from earwitness.control import (
    Exemplar,
    Groups,
    GroupState,
    ListGroups,
    ListProfiles,
    Profile,
    Profiles,
    ProfileSummary,
    SetProfile,
)
from earwitness.events import (
    EnrollProgress,
)

from .fake_desk import PEOPLE


def progress_after(before: EnrollProgress, speech_s: float, state: str, hint: str) -> EnrollProgress:
    assert state in ("listening", "done", "refused", "cancelled")
    return EnrollProgress(
        enrolment=before.enrolment,
        stream=before.stream,
        speaker=before.speaker,
        state=state,  # type: ignore[arg-type]  # mypy does not narrow str to a Literal
        speech_s=speech_s,
        needed_s=before.needed_s,
        hint=hint,
        snr_db=before.snr_db,
        consistency=before.consistency,
        consistency_llr=before.consistency_llr,
        session_snr_db=before.session_snr_db,
        channel=before.channel,
    )


def _summary(name: str) -> ProfileSummary:
    return ProfileSummary(
        name=name,
        created="2026-11-19T08:12:00Z",
        exemplars=2,
        usable=2 if name != "cora" else 1,
        speech_s=26.0,
    )


def profile(name: str) -> Profile:
    exemplar = Exemplar(
        created="2026-11-19T08:12:00Z",
        model_id="wavlm-3f2a",
        usable=True,
        label="headset",
        source=f"file {name}.wav",
        speech_s=13.0,
        windows=24,
        consistency=0.82,
        snr_db=27.0,
        session=7,
        consistency_llr=2.9,
        channel="telephone",
        native_rate=8000,
    )
    return Profile(
        name=name,
        created="2026-11-19T08:12:00Z",
        exemplars=[exemplar],
        nearest="bert",
        nearest_cosine=0.44,
        nearest_llr=3.9,
        nearest_bound=3.5,
        model_id="wavlm-3f2a",
        verdict="poor",
        findings=["can be taken for bert (evidence +3.9 nats)"],
        advice=["add a session on another day"],
        groups=["family"],
        target_fmr=0.001,
        llr_bound=4.2,
    )


def answer_about_people(method: ListProfiles | SetProfile | ListGroups) -> Profiles | Profile | Groups:
    if isinstance(method, ListProfiles):
        return Profiles(model_id="wavlm-3f2a", profiles=[_summary(name) for name in PEOPLE])
    if isinstance(method, SetProfile):
        return msgspec.structs.replace(profile(method.name), target_fmr=method.target_fmr, llr_bound=4.2)
    return Groups(
        groups=[
            GroupState(name="banned", members=[], watchlist=True, ttl_s=20.0, llr_bound=None),
            GroupState(name="family", members=["anna", "bert"], watchlist=False, ttl_s=6.0, llr_bound=1.9),
        ]
    )
