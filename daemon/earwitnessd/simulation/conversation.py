"""One simulated conversation: who speaks when is drawn, then mixed. The same draw makes the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earwitnessd.corpora.surroundings import Surroundings
from earwitnessd.evaluation.audio import RATE
from earwitnessd.evaluation.turns import Turn
from earwitnessd.simulation.surroundings import draw_noise, draw_room, in_room
from earwitnessd.simulation.voices import LEVEL, Voice, Wave, faded

TURN_S = (1.5, 20.0)
USUAL_TURN_S = 5.0
PAUSE_S = (0.2, 1.2)
SILENCE_S = (5.0, 15.0)
SILENCES = 0.1  # so many pauses are silences
OVERLAP_S = (0.3, 1.5)
LOUDNESS_DB = 3.0  # standard deviation from speaker to speaker
LEAD_S = 1.0
PEAK = 0.98


@dataclass(frozen=True, slots=True)
class Manners:
    """How conversations are."""

    length_s: float
    overlap: float
    # so many turns begin before the last one has ended
    reverberant: float
    # so many recordings are made in a room
    snr_db: tuple[float, float]
    # speech over noise, of a recording


@dataclass(frozen=True, eq=False, slots=True)
class Conversation:
    """A recording and the truth about it."""

    samples: Wave
    turns: tuple[Turn, ...]
    snr_db: float
    reverberant: bool


def plan(speakers: Sequence[str], manners: Manners, random: np.random.Generator) -> list[Turn]:
    """Who speaks when; nobody answers themselves where there is somebody else."""
    turns: list[Turn] = []
    at_s, last = LEAD_S, ""
    while True:
        others = [name for name in speakers if name != last] or list(speakers)
        speaker = others[int(random.integers(len(others)))]
        duration_s = float(np.clip(USUAL_TURN_S * random.lognormal(0.0, 0.6), *TURN_S))
        if turns and random.random() < manners.overlap:
            start_s = max(turns[-1].start_s, at_s - random.uniform(*OVERLAP_S))
        elif turns:
            start_s = at_s + random.uniform(*(SILENCE_S if random.random() < SILENCES else PAUSE_S))
        else:
            start_s = at_s
        own_stop_s = max((turn.stop_s for turn in turns if turn.speaker == speaker), default=0.0)
        start_s = max(start_s, own_stop_s)
        stop_s = start_s + duration_s
        if stop_s > manners.length_s - LEAD_S:
            return turns
        turns.append(Turn(speaker, round(start_s, 3), round(stop_s, 3)))
        at_s, last = max(at_s, stop_s), speaker


def perform(
    turns: Sequence[Turn],
    voices: Sequence[Voice],
    manners: Manners,
    surroundings: Surroundings,
    random: np.random.Generator,
) -> Conversation:
    """The planned turns, spoken, in a room and over noise."""
    samples = round(manners.length_s * RATE)
    reverberant = bool(random.random() < manners.reverberant)
    room = draw_room(surroundings, random) if reverberant else None
    heard = np.zeros(samples, np.float32)
    for voice in voices:
        own = np.zeros(samples, np.float32)
        gain = 10 ** (random.normal(0.0, LOUDNESS_DB) / 20)
        position = int(random.integers(len(voice.talk)))
        for turn in turns:
            if turn.speaker == voice.speaker:
                start, length = round(turn.start_s * RATE), round((turn.stop_s - turn.start_s) * RATE)
                own[start : start + length] += faded(voice.say(position, length))
                position += length
        heard += gain * (own if room is None else in_room(own, room))
    snr_db = float(random.uniform(*manners.snr_db))
    heard += LEVEL * 10 ** (-snr_db / 20) * draw_noise(surroundings, samples, random)
    peak = float(np.abs(heard).max())
    return Conversation(heard * min(1.0, PEAK / peak), tuple(turns), snr_db, reverberant)
