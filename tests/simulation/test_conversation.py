"""Who speaks when is drawn sensibly, and what is written is what was drawn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from earwitnessd.corpora.surroundings import Surroundings
from earwitnessd.evaluation.audio import RATE
from earwitnessd.simulation.conversation import Manners, perform, plan
from earwitnessd.simulation.surroundings import draw_noise, draw_room, in_room
from earwitnessd.simulation.voices import LEVEL, Voice

CALM = Manners(length_s=60.0, overlap=0.0, reverberant=0.0, snr_db=(30.0, 30.0))


def tone(speaker: str, hertz: float) -> Voice:
    wave = np.sin(2 * np.pi * hertz * np.arange(20 * RATE) / RATE) * LEVEL * np.sqrt(2)
    return Voice(speaker, wave[: 5 * RATE].astype(np.float32), wave[5 * RATE :].astype(np.float32))


VOICES = [tone("anna", 300), tone("ben", 700), tone("eve", 1500)]
NAMES = [voice.speaker for voice in VOICES]


@pytest.mark.parametrize("seed", range(10))
def test_nobody_follows_or_overlaps_themselves_and_all_is_within_the_recording(seed: int) -> None:
    manners = Manners(length_s=300.0, overlap=0.5, reverberant=0.0, snr_db=(10.0, 10.0))
    turns = plan(NAMES, manners, np.random.default_rng(seed))
    assert len(turns) > 10
    assert {turn.speaker for turn in turns} == set(NAMES)
    assert all(0 < turn.start_s < turn.stop_s <= 299.0 for turn in turns)
    assert all(first.speaker != second.speaker for first, second in pairwise(turns))
    for name in NAMES:
        own = [turn for turn in turns if turn.speaker == name]
        assert all(first.stop_s <= second.start_s for first, second in pairwise(own))


@pytest.mark.parametrize("seed", range(5))
def test_without_overlap_there_is_a_pause_between_turns(seed: int) -> None:
    turns = plan(NAMES, CALM, np.random.default_rng(seed))
    assert all(second.start_s - first.stop_s > 0.19 for first, second in pairwise(turns))


def test_each_voice_is_heard_in_its_turns_and_nowhere_else() -> None:
    random = np.random.default_rng(3)
    turns = plan(NAMES, CALM, random)
    made = perform(turns, VOICES, CALM, Surroundings(), random)
    assert len(made.samples) == 60 * RATE
    for turn in turns:
        inside = made.samples[round(turn.start_s * RATE) : round(turn.stop_s * RATE)]
        spectrum = np.abs(np.fft.rfft(inside))
        loudest = np.fft.rfftfreq(len(inside), 1 / RATE)[spectrum.argmax()]
        assert loudest == pytest.approx({"anna": 300, "ben": 700, "eve": 1500}[turn.speaker], abs=2)
    for first, second in pairwise(turns):
        between = made.samples[round(first.stop_s * RATE) : round(second.start_s * RATE)]
        assert np.sqrt(np.mean(between**2)) < LEVEL / 10


def test_the_same_draw_makes_the_same_samples() -> None:
    manners = Manners(length_s=20.0, overlap=0.3, reverberant=1.0, snr_db=(5.0, 20.0))
    made = []
    for _ in range(2):
        random = np.random.default_rng(9)
        made.append(perform(plan(NAMES, manners, random), VOICES, manners, Surroundings(), random))
    assert made[0].turns == made[1].turns
    np.testing.assert_array_equal(made[0].samples, made[1].samples)
    assert np.abs(made[0].samples).max() <= 0.98


def test_a_room_adds_an_echo_and_neither_delay_nor_loudness() -> None:
    room = draw_room(Surroundings(), np.random.default_rng(1))
    assert room[0] == 1.0
    click = np.zeros(RATE, np.float32)
    click[1000] = 1.0
    wet = in_room(click, room)
    assert np.abs(wet).argmax() == 1000
    assert np.abs(wet[:1000]).max() < 1e-5
    assert np.linalg.norm(wet) == pytest.approx(1.0, rel=1e-4)
    assert np.linalg.norm(wet[1001:]) > 0.1


def test_noise_has_unit_power_wherever_it_comes_from() -> None:
    recorded = Surroundings(noises=(np.ones(100, np.float32) * 7,))
    for surroundings in (Surroundings(), recorded):
        noise = draw_noise(surroundings, 16_000, np.random.default_rng(2))
        assert noise.shape == (16_000,)
        assert np.mean(noise**2) == pytest.approx(1.0, rel=1e-3)
