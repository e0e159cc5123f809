"""Explains a profile: its sessions, how they agree, who comes close, and what would make it better; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from earwitness.control import Exemplar, Profile
from earwitnessd.enroll.company import Alike, agreement_of
from earwitnessd.enroll.likeness import Agreement, Likeness, Vectors
from earwitnessd.profiles.stored import StoredExemplar, StoredProfile
from earwitnessd.score import Heard, ProfileMatrix

LITTLE_SPEECH_S = 10.0
MUCH_SPEECH_S = 30.0
NARROW = {
    "telephone": "enrolled over the telephone only: windows of other microphones are marked channel_mismatch",
    "wideband": "enrolled on wideband microphones only: telephone windows are marked channel_mismatch",
}


def explained(
    person: StoredProfile, model_id: str, matrix: ProfileMatrix, likeness: Likeness, alike: Alike
) -> Profile:
    """All that is known of a person, and what it means."""
    usable = [session for session in person.exemplars if session.model_id == model_id]
    agreements = dict(zip([session.root for session in usable], _between(usable, likeness), strict=True))
    nearest = _nearest(person.name, usable, matrix)
    problems = list(_problems(person.name, usable, agreements, nearest, alike))
    sessions = _one_each(person.exemplars, usable)
    doubts = list(_doubts(sessions, usable))
    return Profile(
        name=person.name,
        created=person.created,
        exemplars=[_shown(session, model_id, agreements.get(session.root)) for session in sessions],
        nearest=nearest[0] if nearest else None,
        nearest_cosine=nearest[1].cosine if nearest else None,
        nearest_llr=nearest[1].llr if nearest else None,
        nearest_bound=alike.llr if nearest else None,
        model_id=model_id,
        verdict="poor" if problems else "fair" if doubts else "good",
        findings=[*problems, *doubts],
        advice=list(_advice(person.name, usable)),
        groups=list(person.groups),
    )


def _one_each(templates: Sequence[StoredExemplar], usable: Sequence[StoredExemplar]) -> list[StoredExemplar]:
    """Of each session the template of the model in use; where there is none, the one it was enrolled with."""
    renewed = {template.root for template in usable}
    return [
        each for each in templates if each in usable or (each.of_session is None and each.root not in renewed)
    ]


def _between(usable: Sequence[StoredExemplar], likeness: Likeness) -> list[Agreement | None]:
    """Each session against all others of the person."""
    if len(usable) < 2:
        return [None] * len(usable)
    vectors: Vectors = np.array([session.vector for session in usable], dtype=np.float32)
    lengths = np.array([session.speech_s for session in usable])
    return list(likeness.rows(vectors.sum(axis=0) - vectors, lengths.sum() - lengths, vectors, lengths))


def _nearest(
    name: str, usable: Sequence[StoredExemplar], matrix: ProfileMatrix
) -> tuple[str, Agreement] | None:
    """Whoever else comes closest to one of the sessions."""
    found = [
        (score.speaker, agreement_of(score))
        for session in usable
        for score in matrix.evidence(session.vector, Heard(session.speech_s, session.snr_db)).first(2)
        if score.speaker != name
    ]
    return max(found, key=lambda each: each[1].rank, default=None)


def _problems(
    name: str,
    usable: Sequence[StoredExemplar],
    agreements: dict[int, Agreement | None],
    nearest: tuple[str, Agreement] | None,
    alike: Alike,
) -> Iterator[str]:
    if not usable:
        yield f"no session is of the model in use: {name} is not recognised"
    for session, agreement in agreements.items():
        if agreement and alike.contradicted_by(agreement):
            yield f"session {session} hardly sounds like the others ({agreement}): remove it, or enrol anew"
    if nearest and alike.reached_by(nearest[1]):
        other, agreement = nearest
        yield f"can be taken for {other} ({agreement}, {alike} counts as the same voice)"


def _doubts(sessions: Sequence[StoredExemplar], usable: Sequence[StoredExemplar]) -> Iterator[str]:
    speech_s = sum(session.speech_s for session in usable)
    if usable and speech_s < LITTLE_SPEECH_S:
        yield f"only {speech_s:.1f} s of net speech in all"
    if len(usable) < len(sessions):
        other = len(sessions) - len(usable)
        yield f"{other} of {len(sessions)} sessions are of another model and do not count"
    for session in usable:
        for warning in session.circumstances.warnings:
            yield f"session {session.root}: {warning}"


def _advice(name: str, usable: Sequence[StoredExemplar]) -> Iterator[str]:
    speech_s = sum(session.speech_s for session in usable)
    if not usable:
        yield f"enrol {name} with this model"
        return
    if len(usable) == 1:
        yield "add a session on another day: voices change from day to day more than within one"
    elif speech_s < MUCH_SPEECH_S:
        yield f"add {MUCH_SPEECH_S - speech_s:.0f} s of speech: {MUCH_SPEECH_S:.0f} s in all are plenty"
    channels = {session.circumstances.channel for session in usable}
    for only, means in NARROW.items():
        if channels == {only}:
            yield f"{means}; add a session over such a channel if {name} is to be known there"


def _shown(session: StoredExemplar, model_id: str, agreement: Agreement | None) -> Exemplar:
    about = session.circumstances
    return Exemplar(
        session=session.root,
        created=session.created,
        model_id=session.model_id,
        usable=session.model_id == model_id,
        label=session.label,
        source=session.source,
        speech_s=session.speech_s,
        windows=session.windows,
        consistency=session.consistency,
        snr_db=session.snr_db,
        consistency_llr=about.self_llr,
        clipped=about.clipped,
        channel=about.channel or None,
        device=about.device,
        native_rate=about.native_rate,
        agreement_cosine=agreement.cosine if agreement else None,
        agreement_llr=agreement.llr if agreement else None,
        warnings=list(about.warnings),
    )
