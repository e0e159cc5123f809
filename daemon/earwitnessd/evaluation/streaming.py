"""How soon and how rightly the daemon said who speaks: figures from claims and turns, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

import msgspec
import numpy as np

from earwitnessd.evaluation.claims import Claim, Statement
from earwitnessd.evaluation.counting import poisson_interval
from earwitnessd.evaluation.turns import Turn, merged

TOLERANCE_S = 0.5  # a decision may come this much after the turn that it is about
LEAST_SPEECH_S = 0.1  # of a person in a window, for it to be about them
RECENT_S = 6.0  # whoever spoke longer ago than this before a claim is not whom it was about


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording: who spoke, and what was said of it."""

    name: str
    duration_s: float
    turns: tuple[Turn, ...]
    claims: tuple[Claim, ...]
    statements: tuple[Statement, ...]


class Delay(msgspec.Struct, frozen=True):
    """Seconds, over those that came to an end."""

    median: float
    p90: float


class StreamFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one configuration."""

    recordings: int
    hours: float
    # of audio
    turns: int
    # of enrolled people; pauses below 1 s do not end one
    missed_turns: int
    # of these: their speaker was not verified at any moment of them
    time_to_verify_s: Delay | None
    # from the beginning of a turn, over turns that were not missed nor verified from before
    changes: int
    # somebody else began to speak while a person was verified who had spoken before
    unnoticed_changes: int
    # of these: that person spoke again, or the recording ended, with the claim still in force
    time_to_notice_s: Delay | None
    # from the moment the person spoke no more and the other did, to the claim's end
    false_verifies: int
    # claims that a person is verified made with windows that held nothing of them
    false_verifies_per_hour: float
    false_verifies_per_hour_interval: tuple[float, float]
    # 95 %, if they come by chance and one by one
    mistaken_s: float
    # seconds in which only others spoke than the person who was verified


def measure(recordings: Sequence[Heard], enrolled: Collection[str]) -> StreamFigures:
    """Over all recordings."""
    turns = [
        (heard, turn) for heard in recordings for turn in merged(heard.turns) if turn.speaker in enrolled
    ]
    delays = [_verified_after(turn, heard.claims) for heard, turn in turns]
    changes = [after for heard in recordings for after in _noticed_after(heard)]
    hours = sum(heard.duration_s for heard in recordings) / 3600
    hourly = 1 / hours if hours else 0.0
    mistakes = sum(len(false_statements(heard)) for heard in recordings)
    low, high = poisson_interval(mistakes)
    return StreamFigures(
        recordings=len(recordings),
        hours=hours,
        turns=len(turns),
        missed_turns=sum(delay is None for delay in delays),
        time_to_verify_s=_delay([delay for delay in delays if delay]),
        changes=len(changes),
        unnoticed_changes=sum(after is None for after in changes),
        time_to_notice_s=_delay([after for after in changes if after is not None]),
        false_verifies=mistakes,
        false_verifies_per_hour=mistakes * hourly,
        false_verifies_per_hour_interval=(low * hourly, high * hourly),
        mistaken_s=sum(_mistaken_s(heard) for heard in recordings),
    )


def false_statements(heard: Heard) -> list[Statement]:
    """The first of each run of verifications whose windows hold nothing of the person."""
    found = []
    wrong_before = False
    for statement in heard.statements:
        spoken_s = sum(
            turn.overlap_s(statement.window_start_s, statement.at_s)
            for turn in heard.turns
            if turn.speaker == statement.speaker
        )
        wrong = spoken_s < LEAST_SPEECH_S
        if wrong and (statement.first or not wrong_before):
            found.append(statement)
        wrong_before = wrong
    return found


def _verified_after(turn: Turn, claims: Sequence[Claim]) -> float | None:
    """Seconds to being verified; 0: before the turn began, None: never."""
    right = [
        claim
        for claim in claims
        if claim.speaker == turn.speaker
        and claim.start_s <= turn.stop_s + TOLERANCE_S
        and claim.stop_s > turn.start_s
    ]
    return max(0.0, min(claim.start_s for claim in right) - turn.start_s) if right else None


def _noticed_after(heard: Heard) -> Iterator[float | None]:
    """For each change away from a verified person: how long their claim outlived it, None: too long."""
    for claim in heard.claims:
        ours = [turn for turn in merged(heard.turns) if turn.speaker == claim.speaker]
        others = [turn for turn in heard.turns if turn.speaker != claim.speaker]
        for turn, following in zip_longest(ours, ours[1:]):
            if turn.stop_s <= claim.start_s - RECENT_S or turn.start_s >= claim.stop_s:
                continue  # this claim is not about that turn
            again_s = following.start_s if following else float("inf")
            begun = [
                max(turn.stop_s, each.start_s, claim.start_s) for each in others if each.stop_s > turn.stop_s
            ]
            changed_s = min(begun, default=float("inf"))
            if changed_s < min(again_s, claim.stop_s):
                in_time = claim.stop_s < min(again_s, heard.duration_s)
                yield claim.stop_s - changed_s if in_time else None


def _mistaken_s(heard: Heard) -> float:
    """Within claims of a person, how long others spoke and they did not."""
    total = 0.0
    for claim in heard.claims:
        if claim.speaker is not None:
            edges = {claim.start_s, claim.stop_s}
            inside = [turn for turn in heard.turns if turn.overlap_s(claim.start_s, claim.stop_s) > 0]
            edges |= {edge for turn in inside for edge in (turn.start_s, turn.stop_s)}
            times = sorted(edge for edge in edges if claim.start_s <= edge <= claim.stop_s)
            for start_s, stop_s in pairwise(times):
                speakers = {turn.speaker for turn in inside if turn.overlap_s(start_s, stop_s) > 0}
                if speakers and claim.speaker not in speakers:
                    total += stop_s - start_s
    return total


def _delay(seconds: Sequence[float]) -> Delay | None:
    if not seconds:
        return None
    median, p90 = np.quantile(seconds, [0.5, 0.9])
    return Delay(float(median), float(p90))
