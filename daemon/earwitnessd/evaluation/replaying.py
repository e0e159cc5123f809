"""Replay recordings through a whole daemon under one configuration, with people enrolled from theirs."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from earwitness.control import ControlError
from earwitness.events import RATE, StreamLost
from earwitnessd.evaluation.claims import claims_of, statements_of
from earwitnessd.evaluation.errors import EvaluationError
from earwitnessd.evaluation.streaming import Heard
from earwitnessd.evaluation.streams import Enrolment, Recording
from earwitnessd.private import PrivateDaemon
from earwitnessd.replay.numbering import Numbering
from earwitnessd.replay.play import ReplayError, play, stage, stream_names
from earwitnessd.settings.load import load
from earwitnessd.settings.root import Settings

NONE_ENROLLED = "nobody.db"
RECORDINGS_A_DAEMON = 20  # each has a ring of its own, from the beginning


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of deciding, to be compared with others."""

    name: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a comparison needs."""

    recordings: Sequence[Recording]
    enrolments: Sequence[Enrolment]
    variants: Sequence[Variant]


@dataclass(frozen=True, slots=True)
class Hearsay:
    """What one variant made of all recordings."""

    model_id: str
    recordings: tuple[Heard, ...]
    refused: dict[str, str]
    # whom it would not enrol, and why


def parse_variants(texts: Sequence[str], config: Path | None, overrides: Sequence[str]) -> list[Variant]:
    """From `NAME: [FILE] KEY=VALUE ...` each, with what holds for all; a variant's own wins."""
    variants = [_parse_variant(text, config, overrides) for text in texts]
    names = [variant.name for variant in variants]
    if twice := {name for name in names if names.count(name) > 1}:
        raise EvaluationError(f"--variant: {', '.join(sorted(twice))} is there twice; expected a name each")
    return variants


def _parse_variant(text: str, config: Path | None, overrides: Sequence[str]) -> Variant:
    name, colon, rest = text.partition(":")
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise EvaluationError(f"--variant {text!r}: {error}") from None
    files = [Path(word) for word in words if "=" not in word]
    if not colon or not name.strip() or len(files) > 1:
        raise EvaluationError(f"--variant {text!r}: expected 'NAME: [FILE] KEY=VALUE ...'")
    own = [word for word in words if "=" in word]
    return Variant(name.strip(), load(files[0] if files else config, [*overrides, *own]))


def hear(
    variant: Variant,
    recordings: Sequence[Recording],
    enrolments: Sequence[Enrolment],
    tick: Callable[[int], None],
) -> Hearsay:
    """Enrol, then replay one recording after the other; `tick` hears how many are done."""
    model_id = ""
    found: list[Heard] = []
    refused: dict[str, str] = {}
    for begin in range(0, len(recordings), RECORDINGS_A_DAEMON):
        some = recordings[begin : begin + RECORDINGS_A_DAEMON]
        files = [recording.audio for recording in some]
        with (
            tempfile.TemporaryDirectory(prefix="earwitness-") as folder,
            stage(files, variant.settings, Path(folder) / NONE_ENROLLED) as daemon,
        ):
            refused = _enrol(daemon, enrolments)
            model_id = daemon.control.status().heartbeat.engine.model_id
            for stream, recording in zip(stream_names(files), some, strict=True):
                found.append(_replayed(daemon, stream, recording))
                tick(len(found))
    return Hearsay(model_id, tuple(found), refused)


def _enrol(daemon: PrivateDaemon, enrolments: Sequence[Enrolment]) -> dict[str, str]:
    """Whom the daemon would not enrol from any of their recordings, and why."""
    refused: dict[str, str] = {}
    done = set()
    for enrolment in enrolments:
        try:
            daemon.control.enroll_audio(enrolment.speaker, enrolment.audio)
            done.add(enrolment.speaker)
        except ControlError as error:
            if error.code != "refused":
                raise EvaluationError(f"{enrolment.audio}: cannot be enrolled: {error}") from None
            refused[enrolment.speaker] = f"{enrolment.audio.name}: {error}"
    if not done:
        raise EvaluationError(f"nobody could be enrolled: {'; '.join(refused.values())}")
    return {speaker: why for speaker, why in refused.items() if speaker not in done}


def _replayed(daemon: PrivateDaemon, stream: str, recording: Recording) -> Heard:
    try:
        events = list(play(daemon, stream, Numbering()))
    except ReplayError as error:
        raise EvaluationError(f"{recording.audio}: {error}") from None
    end_s = max(event.stop for event in events if isinstance(event, StreamLost)) / RATE
    return Heard(
        name=stream,
        duration_s=end_s,
        turns=recording.turns,
        claims=tuple(claims_of(events, end_s)),
        statements=tuple(statements_of(events)),
    )
