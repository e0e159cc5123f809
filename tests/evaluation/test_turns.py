"""RTTM and the lists, and what is said about lines that are neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitnessd.evaluation.errors import EvaluationError
from earwitnessd.evaluation.streams import load_enrolments, load_recordings
from earwitnessd.evaluation.turns import Turn, merged, read_rttm, write_rttm

LINE = "SPEAKER x 1 0.5 2 <NA> <NA> anna <NA> <NA>\n"


def test_what_was_written_is_read(tmp_path: Path) -> None:
    turns = [Turn("anna", 0.5, 2.25), Turn("ben", 2.0, 3.125)]
    write_rttm(tmp_path / "x.rttm", "x", turns)
    assert (tmp_path / "x.rttm").read_text().startswith("SPEAKER x 1 0.500 1.750 <NA> <NA> anna <NA> <NA>\n")
    assert read_rttm(tmp_path / "x.rttm") == turns


def test_other_kinds_of_lines_do_not_matter_and_turns_are_sorted(tmp_path: Path) -> None:
    text = "SPKR-INFO x 1 <NA> <NA> <NA> unknown anna <NA>\n" + LINE.replace("0.5", "9") + LINE
    (tmp_path / "x.rttm").write_text(text)
    assert [turn.start_s for turn in read_rttm(tmp_path / "x.rttm")] == [0.5, 9.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LINE + "SPEAKER x 1 soon 2", r"x\.rttm:2: expected 'SPEAKER file channel start_s duration_s"),
        ("SPEAKER x 1 1 -2 <NA> <NA> anna <NA> <NA>", r"x\.rttm:1: turn 1 -2; expected start ≥ 0"),
        ("; nothing\n", r"x\.rttm: holds no turn"),
    ],
)
def test_a_bad_line_is_named(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "x.rttm").write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=expected):
        read_rttm(tmp_path / "x.rttm")


def test_a_short_pause_does_not_end_a_turn_whoever_speaks_in_it() -> None:
    turns = [Turn("anna", 0, 2), Turn("ben", 2, 2.5), Turn("anna", 2.9, 4), Turn("anna", 5.0, 6)]
    assert merged(turns) == [Turn("anna", 0, 4), Turn("ben", 2, 2.5), Turn("anna", 5.0, 6)]


def test_lists_start_from_their_folder(tmp_path: Path) -> None:
    for name in ("a.wav", "e.wav"):
        (tmp_path / name).touch()
    (tmp_path / "a.rttm").write_text(LINE)
    (tmp_path / "streams.txt").write_text("# what\n\na.wav a.rttm\n")
    (tmp_path / "enrolments.txt").write_text("anna e.wav # twice\nanna a.wav\n")
    [recording] = load_recordings(tmp_path / "streams.txt")
    assert (recording.audio, recording.turns) == (tmp_path / "a.wav", (Turn("anna", 0.5, 2.5),))
    assert [each.speaker for each in load_enrolments(tmp_path / "enrolments.txt")] == ["anna", "anna"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anna e.wav ben", r"list\.txt:1: 3 fields; expected 'speaker audio'"),
        ("# nobody", r"list\.txt: is empty; expected lines of 'speaker audio'"),
        ("anna gone.wav", r"list\.txt:1: .*gone\.wav: no such file"),
    ],
)
def test_a_bad_list_is_named(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(EvaluationError, match=expected):
        load_enrolments(tmp_path / "list.txt")
