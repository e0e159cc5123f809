"""From recordings and a list of trials to a calibration that the daemon can use."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from earwitnessd.calibration import CalibrationError, Cohort, read_calibrator
from earwitnessd.calibration.files import write_calibrator
from earwitnessd.corpora.errors import CorpusError
from earwitnessd.fitting.make import Made, make_calibration
from earwitnessd.fitting.strangers import make_cohort, some_of, speakers_in
from earwitnessd.settings.root import Settings

from ..voices import ENERGY, ToneEmbedder
from .voices import record, write_trials

SPEAKERS = range(12)
COHORT = range(24)
EMBEDDER = ToneEmbedder()
SETTINGS: Settings = msgspec.structs.replace(ENERGY, model="tones")


def silent(done: int, total: int) -> None:
    assert 0 < done <= total


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("recordings")
    record(made / "mine", SPEAKERS)
    record(made / "others", COHORT, takes=1)
    write_trials(made / "trials.txt", SPEAKERS)
    return made


@pytest.fixture(scope="module")
def cohort(folder: Path) -> Cohort:
    others = folder / "others"
    return make_cohort(others, speakers_in(others), EMBEDDER.model_id, EMBEDDER.embed, silent)


def make(folder: Path, cohort: Cohort, trials: str) -> Made:
    return make_calibration(
        folder / trials,
        folder / "mine",
        SETTINGS,
        cohort,
        EMBEDDER.embed,
        about="tones",
        today="2026-11-20",
        tick=silent,
    )


@pytest.fixture(scope="module")
def made(folder: Path, cohort: Cohort) -> Made:
    return make(folder, cohort, "trials.txt")


def test_it_says_what_it_rests_on_and_how_good_it_is(made: Made) -> None:
    calibration, figures = made.calibration, made.calibration.figures
    assert (calibration.model_id, calibration.data, calibration.made) == (
        EMBEDDER.model_id,
        "tones",
        "2026-11-20",
    )
    assert (figures.trials, figures.targets, figures.speakers) == (48 * 47 / 2, 12 * 6, 12)
    assert 0.0 <= figures.min_cllr <= figures.cllr < 0.8
    assert made.unheard == 0


def test_more_alike_is_more_evidence(made: Made) -> None:
    assert made.calibration.weights.score > 0.0
    assert 0.1 <= made.calibration.window_correlation <= 1.0


def test_points_are_told_only_as_far_as_there_are_trials(made: Made) -> None:
    shares = [point.share for point in made.calibration.turns.strangers]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] * (48 * 47 / 2 - 72) >= 8
    llrs = [point.llr for point in made.calibration.turns.strangers]
    assert llrs == sorted(llrs)
    assert made.fitted.lowest_fmr == shares[-1]


def test_the_daemon_reads_what_was_made(made: Made, tmp_path: Path) -> None:
    write_calibrator(tmp_path, made.cohort, made.calibration)
    read = read_calibrator(tmp_path, EMBEDDER.model_id)
    assert read is not None
    assert read.calibration == made.calibration


def test_the_same_recordings_give_the_same_calibration(folder: Path, cohort: Cohort, made: Made) -> None:
    again = make(folder, cohort, "trials.txt")
    assert (again.calibration, again.cohort) == (made.calibration, made.cohort)


def test_too_few_trials_are_refused_with_what_is_needed(folder: Path, cohort: Cohort) -> None:
    write_trials(folder / "few.txt", range(4))
    with pytest.raises(
        CalibrationError, match="too few trials: 24 of the same speaker and 96 of different ones, 4"
    ):
        make(folder, cohort, "few.txt")


def test_a_cohort_needs_many_speakers(folder: Path) -> None:
    with pytest.raises(CalibrationError, match="recordings of 12 speakers; a cohort needs at least 20"):
        speakers_in(folder / "mine")


def test_a_cohort_is_drawn_alike_each_time_and_leaves_out_what_it_is_told_to(folder: Path) -> None:
    speakers = speakers_in(folder / "others", exclude=["s00", "s01"])
    assert len(speakers) == len(COHORT) - 2
    assert some_of(speakers, 10) == some_of(speakers, 10)
    assert len(some_of(speakers, 10)) == 10


def test_a_cohort_may_be_cut_out_of_long_recordings_by_a_table(folder: Path, tmp_path: Path) -> None:
    rows = ["file\tspeaker\tsession\tstart_s\tdur_s"]
    rows += [f"{folder}/others/s{each:02d}/0.wav\tcorpus/{each}\ta\t0.5\t3.25" for each in COHORT]
    (tmp_path / "index.tsv").write_text("\n".join(rows), encoding="utf-8")
    speakers = speakers_in(tmp_path)
    cut = make_cohort(tmp_path, speakers, EMBEDDER.model_id, EMBEDDER.embed, silent)
    assert len(cut.vectors) == len(COHORT)
    (tmp_path / "index.tsv").write_text("file\tspeaker\na\tb", encoding="utf-8")
    with pytest.raises(CorpusError, match="lacks dur_s, start_s; expected the columns file"):
        speakers_in(tmp_path)
