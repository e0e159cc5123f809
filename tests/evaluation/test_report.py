"""Figures of whole lists, and the report drawn of them."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.evaluation.claims import Claim, Statement
from earwitnessd.evaluation.errors import EvaluationError
from earwitnessd.evaluation.findings import Findings, StreamFindings, TrialFindings, VariantFindings, encode
from earwitnessd.evaluation.page import page
from earwitnessd.evaluation.panels import picture
from earwitnessd.evaluation.report import duration_names, judge, report_on
from earwitnessd.evaluation.report_file import open_report
from earwitnessd.evaluation.speech import TrialQuality
from earwitnessd.evaluation.streaming import Heard, measure
from earwitnessd.evaluation.tables import print_tables
from earwitnessd.evaluation.trials import Crop, Trial
from earwitnessd.evaluation.turns import Turn
from tests.evaluation.cases import drawn


def of_trials(seed: int = 1, *, calibrated: bool) -> TrialFindings:
    """Two corpora of calibrated LLRs; the cosines are another monotone function of the same."""
    llrs, target = drawn(seed)
    trials = [
        Trial(
            bool(label), Crop(f"c{line % 2}/{line}.wav"), Crop(f"c{line % 2}/{line}-{int(label)}.wav"), line
        )
        for line, label in enumerate(target)
    ]
    judged = judge(trials, np.tanh(llrs / 8), llrs if calibrated else None, {"0.01": 2.0, "0.001": 5.0})
    speech_s = np.linspace(0.5, 20.0, len(trials))
    report = report_on(
        trials,
        judged,
        TrialQuality(speech_s, speech_s, np.full(len(trials), np.nan)),
        model="tiny@0",
        calibration="made up" if calibrated else None,
        seconds=1.0,
        rtf=0.1,
    )
    return TrialFindings(report, judged, np.array([trial.corpus for trial in trials]))


def of_streams() -> StreamFindings:
    """Anna is verified, then a stranger in her name."""
    turns = (Turn("anna", 1.0, 9.0), Turn("<eve>", 10.0, 30.0))
    claims = (Claim("anna", 4.0, 12.0), Claim(None, 14.0, 18.0), Claim("anna", 20.0, 26.0))
    statements = (Statement("anna", 1.0, 4.0, first=True), Statement("anna", 17.0, 20.0, first=True))
    heard = (Heard("monday", 40.0, turns, claims, statements),)
    figures = measure(heard, {"anna"})
    silent = (Heard("monday", 40.0, turns, (), ()),)
    return StreamFindings(
        frozenset({"anna"}),
        (
            VariantFindings("bold", "tiny@0", figures, heard, {}),
            VariantFindings("shy", "tiny@0", measure(silent, {"anna"}), silent, {"anna": "too short"}),
        ),
    )


def test_cosines_alone_say_nothing_of_calibration() -> None:
    report = of_trials(calibrated=False).report
    assert (report.cllr, report.act_dcf, report.calibration_loss, report.operating_points) == (None,) * 4
    assert report.min_cllr is not None
    assert report.thresholds is not None
    assert report.thresholds["0.01"] is not None
    assert report.thresholds["0.0001"] is None  # one in ten thousand, of a few hundred


def test_ratios_are_judged_as_they_stand() -> None:
    found = of_trials(calibrated=True)
    report, judged = found.report, found.judged
    assert report.cllr is not None
    assert report.min_cllr is not None
    assert report.calibration_loss is not None
    assert report.calibration_loss == pytest.approx(report.cllr - report.min_cllr)
    assert 0 <= report.calibration_loss < 0.05
    assert report.operating_points is not None
    point = report.operating_points["0.01"]
    assert judged.llrs is not None
    assert point.false_matches == (judged.llrs[~judged.target] >= 2.0).sum()
    assert report.act_dcf is not None
    assert report.min_dcf is not None
    assert all(report.act_dcf[prior] >= report.min_dcf[prior] for prior in report.act_dcf)
    assert report.fnmr is not None
    rate = report.fnmr["0.01"]
    assert rate is not None
    assert 0 <= rate.low <= rate.rate <= rate.high <= 1


def test_a_monotone_calibration_changes_no_ranking() -> None:
    calibrated, raw = of_trials(calibrated=True).report, of_trials(calibrated=False).report
    assert calibrated.eer == pytest.approx(raw.eer)
    assert calibrated.min_cllr == pytest.approx(raw.min_cllr)
    assert calibrated.thresholds == raw.thresholds


def test_every_trial_is_in_one_corpus_and_in_one_duration() -> None:
    report = of_trials(calibrated=False).report
    assert list(report.corpora) == ["c0", "c1"]
    first, *_, last = report.durations
    assert (first, last) == ("under 1 s", "16 s and more")
    for part in (report.corpora, report.durations):
        assert sum(row.trials for row in part.values()) == report.trials
    assert duration_names(np.array([0.0, 1.0, 3.9, 4.0])) == [
        "under 1 s",
        "1 to 2 s",
        "2 to 4 s",
        "4 to 8 s",
    ]


def test_the_json_of_streams_alone_is_that_of_each_variant() -> None:
    text = encode(Findings(None, of_streams(), 2.0))
    assert '"bold"' in text
    assert '"false_verifies": 1' in text
    assert '"anna": "too short"' in text
    assert '"eer"' not in text


@pytest.mark.parametrize("calibrated", [False, True])
def test_the_page_needs_nothing_else(calibrated: bool) -> None:
    text = page(Findings(of_trials(calibrated=calibrated), of_streams(), 2.0))
    assert text.count("<svg") == 2
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", text.replace("xlink:href", "href"))
    for expected in ("tiny@0", "c1", "16 s and more", "bold", "shy", "too short", "Cllr", "FNMR"):
        assert expected in text
    assert "<eve>" not in text
    assert ("LLR to reach" in text) == calibrated


def test_the_picture_holds_all_of_it() -> None:
    both = picture(Findings(of_trials(calibrated=True), of_streams(), 2.0))
    streams = picture(Findings(None, of_streams(), 2.0))
    assert both.startswith(b"\x89PNG")
    assert _height(both) > 2 * _height(streams) > 300


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as if it were not there
    with pytest.raises(EvaluationError, match=r"pip install 'earwitness\[report\]'"):
        open_report(tmp_path / "all.html")


def _height(png: bytes) -> int:
    return int.from_bytes(png[20:24], "big")


def test_figures_of_many_variants_are_shown_whole_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = of_streams()
    many = tuple(replace(found.variants[0], name=f"cosine 0.{place}67") for place in range(7))
    print_tables(Findings(None, replace(found, variants=many), 1.0))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    hours = [line.split() for line in lines if "hours of audio" in line]
    assert sum(len(words) - 3 for words in hours) == 7
    assert "…" not in "".join(lines)
