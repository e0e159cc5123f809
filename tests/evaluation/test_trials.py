"""Trial lists in both forms, and what is said about lines that are neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitnessd.evaluation.errors import EvaluationError
from earwitnessd.evaluation.trials import Crop, Trial, load_trials, speakers_of


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "trials.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_whole_files_and_crops_may_be_mixed_and_commented(tmp_path: Path) -> None:
    text = "# a list\n1 a/x.wav a/y.wav\n\n0 a/x.wav 0.5 3 b/z.wav 1 2.5  # crops\n"
    first, second = load_trials(written(tmp_path, text))
    assert (first.target, first.enrolment, first.test, first.line) == (
        True,
        Crop("a/x.wav"),
        Crop("a/y.wav"),
        2,
    )
    assert (second.target, second.enrolment, second.line) == (False, Crop("a/x.wav", 0.5, 3.0), 4)
    assert second.test == Crop("b/z.wav", 1.0, 2.5)
    assert second.corpus == "a"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1 a.wav", r":2: 2 fields; expected 'label path path' or 'label path start dur path start dur'"),
        ("yes a.wav b.wav", r":2: label 'yes'; expected 1 \(same speaker\) or 0"),
        ("1 a.wav zero 3 b.wav 0 3", r":2: crop 'zero' '3'; expected start and duration in seconds"),
        ("1 a.wav -1 3 b.wav 0 3", r":2: crop -1 3; expected start ≥ 0 and duration > 0"),
        ("1 a.wav 0 nan b.wav 0 3", r":2: crop 0 nan; expected"),
    ],
)
def test_a_bad_line_is_named_with_what_was_expected(line: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"trials\.txt" + expected):
        load_trials(written(tmp_path, f"0 a.wav b.wav\n{line}\n"))


def test_a_list_without_targets_says_so(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="at least one target"):
        load_trials(written(tmp_path, "0 a.wav b.wav\n"))


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"nothing\.txt"):
        load_trials(tmp_path / "nothing.txt")


def listed(*pairs: tuple[int, str, str]) -> list[Trial]:
    return [Trial(bool(label), Crop(a), Crop(b), line) for line, (label, a, b) in enumerate(pairs, start=1)]


def test_speakers_are_known_where_folders_agree_with_every_label() -> None:
    speakers = speakers_of(listed((1, "c/ann/1.wav", "c/ann/s2/2.wav"), (0, "c/ann/1.wav", "d/bob/1.wav")))
    assert speakers is not None
    assert speakers.enrolled.tolist() == [0, 0]
    assert speakers.tested.tolist() == [0, 1]


def test_speakers_are_unknown_where_folders_contradict_a_label() -> None:
    assert speakers_of(listed((1, "c/ann/1.wav", "c/bob/1.wav"), (0, "c/ann/1.wav", "c/eve/1.wav"))) is None
    assert speakers_of(listed((1, "1.wav", "2.wav"), (0, "1.wav", "3.wav"))) is None
