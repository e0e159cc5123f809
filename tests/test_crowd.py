"""Thousands of people: columns and blocks say what one list of them would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.control import AddToGroup, DeleteProfile, RemoveSession, RenameProfile, SetProfile
from earwitness.events import RATE, Event, SpeakerVerified, WindowScored, encode
from earwitnessd.decide import Rules
from earwitnessd.decision import Bounds, Evidence, Member, Memory
from earwitnessd.decision.sequential import FEW, FEWER, added, exponentials, faded, posteriors, total
from earwitnessd.hearing import Arrival, HeardWindow
from earwitnessd.listening.verifier import StreamVerifier
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.people import People
from earwitnessd.quality import Quality
from earwitnessd.score import Heard, ProfileMatrix, Score, Scores, Vector
from earwitnessd.score.blocks import BLOCK_ROWS, Exemplars
from earwitnessd.score.likeness import Cosines
from earwitnessd.settings.root import Settings, Windows
from earwitnessd.settings.sources import FileReplay
from earwitnessd.windows import Window

from .calibration.making import DIMENSION, calibrator
from .profiles.making import DESK, MODEL, OTHER_MODEL, exemplar, like, template, voice

CROWD = 2 * BLOCK_ROWS + 100
HEARD = Heard(2.5, 20.0)
TOLD = 5
BOUNDS = Bounds(accept=2.5, reject=-2.5, lead=1.0, correlation=0.6, half_life_s=8.0, prior=0.5)
RULES = Rules(
    threshold=0.7,
    hysteresis=0.05,
    min_margin=0.04,
    verify_windows=1,
    unknown_windows=4,
    ttl_s=6.0,
    bounds=BOUNDS,
)
QUALITY = Quality(finite=True, level_dbfs=-20.0, peak_dbfs=-6.0, clipping_ratio=0.0, snr_db=20.0)


def name(number: int) -> str:
    return f"person {number:05d}"


@pytest.fixture(scope="module")
def voices() -> Vector:
    random = np.random.default_rng(1).standard_normal((CROWD, DIMENSION)).astype(np.float32)
    unit: Vector = random / np.linalg.norm(random, axis=1, keepdims=True)
    return unit


@pytest.fixture(scope="module")
def crowd(voices: Vector) -> ProfileMatrix:
    everybody = [(name(number), vector) for number, vector in enumerate(voices)]
    return ProfileMatrix.build(everybody, calibrator(), [10.0] * CROWD)


def judged(verifier: StreamVerifier, matrix: ProfileMatrix, vector: Vector, hop: int) -> list[Event]:
    start = hop * RATE // 2
    window = Window("desk", "desk-1", start, np.zeros(3 * RATE, dtype=np.float32), ())
    heard = HeardWindow(window, 2.5, 0.5, QUALITY, (), Arrival(window.stop, 0, 0))
    return verifier.judge(heard, vector, matrix, (0, 0), (name(77),))


def verifier_of(told: int, matrix: ProfileMatrix) -> StreamVerifier:
    roster = tuple(Member(each, ("all",)) for each in matrix.names)
    settings = Settings(windows=Windows(scores=told))
    return StreamVerifier("desk", FileReplay(path="-"), settings, RULES.among(roster))


def test_a_crowd_lies_in_several_blocks_and_scores_as_in_one(crowd: ProfileMatrix, voices: Vector) -> None:
    assert len(crowd.blocks) > 2
    heard = like(voices[1234], 0.9)
    cosines = np.clip(voices @ heard, -1.0, 1.0)
    by_cosine, by_evidence = crowd.scores(heard), crowd.evidence(heard, HEARD)
    assert by_cosine.first(10) == by_cosine[:10]
    assert [score.speaker for score in by_cosine] == [name(row) for row in np.argsort(-cosines)]
    assert by_evidence[0].speaker == name(1234)
    few = [1234, 7, 4000]
    alone = ProfileMatrix.build([(name(row), voices[row]) for row in few], calibrator(), [10.0] * 3).evidence(
        heard, HEARD
    )
    for score in alone:
        row = by_evidence.row(score.speaker)
        assert row is not None
        same = by_evidence.at(row)
        assert same.cosine == pytest.approx(score.cosine, abs=1e-5)
        assert same.llr == pytest.approx(score.llr, abs=1e-4)


ranks = st.lists(
    st.tuples(st.sampled_from([-20.0, 0.5, 1.0]), st.sampled_from([0.1, 0.2, 0.3])), min_size=1, max_size=200
)


@given(ranks, st.integers(1, 60))
def test_the_most_alike_are_picked_as_if_all_were_sorted(keys: list[tuple[float, float]], count: int) -> None:
    names = tuple(name(number) for number in range(len(keys)))
    llrs, normalised = np.array([key[0] for key in keys]), np.array([key[1] for key in keys])
    expected = sorted(range(len(keys)), key=lambda row: (-llrs[row], -normalised[row], row))
    scores = Scores(names, Cosines.known(normalised), normalised, llrs)
    assert [score.speaker for score in scores.first(count)] == [names[row] for row in expected[:count]]
    assert [score.speaker for score in scores] == [names[row] for row in expected]


@pytest.mark.parametrize("levels", [3, 40, 100_000])
def test_of_a_crowd_the_first_are_picked_as_if_all_were_sorted(levels: int) -> None:
    random = np.random.default_rng(levels)
    llrs, normalised = random.integers(0, levels, (2, 20_000)).astype(np.float64)
    names = tuple(name(number) for number in range(len(llrs)))
    expected = np.lexsort((-normalised, -llrs))[:100]
    first = Scores(names, Cosines.known(normalised), normalised, llrs).first(100)
    assert [score.speaker for score in first] == [names[row] for row in expected]


def test_listed_scores_keep_the_order_they_came_in() -> None:
    ranked = [Score("carla", 0.4), Score("anna", 0.4), Score("ben", 0.1)]
    assert list(Scores.listed(ranked)) == ranked
    assert Scores.listed(ranked).row("dora") is None


def test_a_newcomer_moves_one_block_and_leaves_what_building_anew_would_give(voices: Vector) -> None:
    most = 2 * BLOCK_ROWS
    everybody = [(name(number), vector) for number, vector in enumerate(voices[:most])]
    matrix = ProfileMatrix.build(everybody, calibrator(), [10.0] * most)
    grown = matrix.changed(Exemplars(f"{name(10)}b", voices[-1][np.newaxis], (10.0,)), None)
    assert grown.blocks[1:] == matrix.blocks[1:]
    assert grown.names == tuple(sorted([*matrix.names, f"{name(10)}b"]))
    assert grown.evidence(voices[-1], HEARD)[0].speaker == f"{name(10)}b"
    gone = grown.changed(Exemplars(f"{name(10)}b", np.empty((0, 0), dtype=np.float32)), None)
    np.testing.assert_array_equal(gone.vectors, matrix.vectors)
    for other in (5, 3000):
        now, before = gone.evidence(voices[other], HEARD), matrix.evidence(voices[other], HEARD)
        assert now.first(20) == before.first(20)


def test_a_block_that_has_doubled_is_split() -> None:
    matrix = ProfileMatrix.build([])
    for batch in range(3):
        for number in range(batch, BLOCK_ROWS * 2 + 3, 1500):
            vectors = np.repeat(voice(number)[np.newaxis], 750, axis=0)
            matrix = matrix.changed(Exemplars(name(number), vectors), None)
    assert len(matrix.blocks) > 1
    assert max(len(block.vectors) for block in matrix.blocks) <= 2 * BLOCK_ROWS
    assert list(matrix.names) == sorted(matrix.names)


def test_numpy_and_python_agree_on_a_crowds_posteriors() -> None:
    logs = np.random.default_rng(3).uniform(-30.0, 3.0, FEW + 1)
    few = exponentials(logs[:FEW])
    assert exponentials(logs)[:FEW] == pytest.approx(few, rel=1e-14)
    assert total(exponentials(logs)) == pytest.approx(float(few.sum()) + float(np.exp(logs[-1])), rel=1e-12)
    people, nobody = posteriors(logs, np.full(len(logs), -5.0))
    assert float(people.sum()) + nobody == pytest.approx(1.0)


def test_evidence_adds_up_alike_in_a_crowd_and_among_few() -> None:
    random = np.random.default_rng(5)
    crowd = [name(number) for number in range(2 * FEWER)]
    many, few = Memory(), Memory()
    for hop in range(60):
        stop = 3 * RATE + hop * RATE // 2
        said = dict(zip(crowd, random.normal(0.0, 4.0, len(crowd)).tolist(), strict=True))
        few_said = {person: said[person] for person in crowd[:3]}
        many, few = (
            added(memory, window(llrs, stop), BOUNDS) for memory, llrs in ((many, said), (few, few_said))
        )
        if hop % 7 == 0:
            many, few = (faded(memory, stop + RATE, BOUNDS) for memory in (many, few))
        assert few.llrs(BOUNDS) == pytest.approx(
            {person: many.llrs(BOUNDS)[person] for person in crowd[:3]}, abs=1e-12
        )


def window(llrs: dict[str, float], stop: int) -> Evidence:
    ranked = sorted(llrs.items(), key=lambda item: -item[1])
    scores = Scores.listed([Score(person, 0.5, llr, llr) for person, llr in ranked])
    return Evidence("desk", "desk-1", stop - 3 * RATE, stop, 2.5, 0.5, scores, ())


def test_of_a_crowd_the_most_alike_are_told_and_whoever_is_in_force_or_watched(
    crowd: ProfileMatrix, voices: Vector
) -> None:
    verifier = verifier_of(TOLD, crowd)
    said = [event for hop in range(8) for event in judged(verifier, crowd, like(voices[42], 0.97), hop)]
    assert [event.speaker for event in said if isinstance(event, SpeakerVerified)][:1] == [name(42)]
    (scored,) = [each for each in judged(verifier, crowd, voices[99], 8) if isinstance(each, WindowScored)]
    told = [score.speaker for score in scored.scores]
    assert (scored.people, told[0]) == (CROWD, name(99))
    assert {name(42), name(77)} <= set(told)
    assert TOLD < len(told) <= TOLD + 3
    evidence = [score.llr for score in scored.scores]
    assert evidence == sorted(evidence, key=lambda llr: -(llr or 0.0))
    assert len(encode(scored)) < 4000


def test_of_a_few_all_are_told(voices: Vector) -> None:
    few = ProfileMatrix.build([(name(row), voices[row]) for row in range(TOLD)], calibrator(), [10.0] * TOLD)
    scored = judged(verifier_of(TOLD, few), few, voices[3], 0)[0]
    assert isinstance(scored, WindowScored)
    assert (scored.people, len(scored.scores)) == (TOLD, TOLD)


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    store = ProfileStore(tmp_path / "profiles.db")
    for number in range(8):
        store.add(name(number), exemplar(voice(number)))
    store.add("elsewhere", exemplar(voice(50), OTHER_MODEL))
    everybody = People(store, MODEL, 0.7, calibrator())
    yield everybody
    everybody.close()


def test_one_person_read_anew_is_as_if_all_had_been(people: People) -> None:
    template_of = [template(voice(number)) for number in (60, 61, 62)]
    people.enrol("newcomer", template_of[0], DESK)
    people.enrol(name(3), template_of[1], DESK)
    people.enrol("elsewhere", template_of[2], DESK)
    people.answer(RenameProfile(name=name(5), new_name="aaron"))
    people.answer(DeleteProfile(name=name(0)))
    people.answer(AddToGroup(name=name(2), group="cleaners"))
    people.answer(SetProfile(name=name(6), target_fmr=0.001))
    session = people.store.profile(name(3)).exemplars[0].session
    people.answer(RemoveSession(name=name(3), session=session))
    told = people.matrix, people.roster, people.other_model
    people.reload()
    assert told[1:] == (people.roster, people.other_model)
    assert told[0].names == people.matrix.names == tuple(member.name for member in people.roster)
    assert dict(told[0].channels) == dict(people.matrix.channels)
    np.testing.assert_array_equal(told[0].vectors, people.matrix.vectors)
    assert told[0].evidence(voice(3), HEARD).first(9) == people.matrix.evidence(voice(3), HEARD).first(9)


def test_everybody_is_read_as_one_by_one(people: People) -> None:
    people.answer(AddToGroup(name=name(2), group="cleaners"))
    people.answer(AddToGroup(name=name(2), group="family"))
    people.answer(SetProfile(name=name(6), target_fmr=0.001))
    people.enrol(name(3), template(voice(61)), DESK)
    terms = [(person.name, person.created, person.keeping) for person in people.store.everybody()]
    assert people.store.terms() == terms
    for person in people.store.everybody():
        alone = people.store.profile(person.name)
        assert (alone.groups, alone.own, alone.keeping) == (person.groups, person.own, person.keeping)
        assert [each.session for each in alone.exemplars] == [each.session for each in person.exemplars]
