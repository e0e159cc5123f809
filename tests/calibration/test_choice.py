"""Which calibration decides: as set, the operator's own, the model's, or none."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from earwitnessd.assemble import find_calibrator, rules_for
from earwitnessd.calibration import CalibrationError
from earwitnessd.decision import Member
from earwitnessd.settings.load import load
from earwitnessd.settings.root import Decision
from earwitnessd.settings.validate import SettingsError

from .making import MODEL_ID, calibrator, write


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the operator's own calibration would lie."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path / "state" / "calibration"


@pytest.fixture
def model(tmp_path: Path, own: Path) -> Path:
    """A model's directory with a calibration."""
    write(tmp_path / "model")
    return tmp_path / "model"


def test_a_models_calibration_is_used_by_itself(model: Path) -> None:
    assert find_calibrator(Decision(), MODEL_ID, model) is not None


def test_a_model_without_one_is_decided_by_cosine(tmp_path: Path, own: Path) -> None:
    found = find_calibrator(Decision(), MODEL_ID, tmp_path)
    assert found is None
    rules = rules_for(Decision(), 0.7, "small", found)
    assert rules.bounds is None
    assert str(rules) == "by cosine, threshold 0.700"


@pytest.mark.parametrize("decision", [Decision(method="cosine"), Decision(threshold=0.7)])
def test_whoever_asks_for_a_cosine_gets_one(model: Path, decision: Decision) -> None:
    assert find_calibrator(decision, MODEL_ID, model) is None


def test_to_insist_on_a_calibration_that_is_not_there_is_an_error(tmp_path: Path, own: Path) -> None:
    with pytest.raises(CalibrationError, match="the model small@1111 has no calibration"):
        find_calibrator(Decision(method="calibrated"), MODEL_ID, tmp_path)


def test_a_directory_that_is_set_must_hold_one_for_this_model(tmp_path: Path, model: Path) -> None:
    with pytest.raises(CalibrationError, match="no calibration lies there"):
        find_calibrator(Decision(calibration=str(tmp_path / "none")), MODEL_ID, model)
    with pytest.raises(CalibrationError, match="was fitted for the model"):
        find_calibrator(Decision(calibration=str(model)), "large@2222", tmp_path)


def test_the_operators_own_comes_before_the_models(model: Path, own: Path) -> None:
    write(own)
    (model / "calibration.json").unlink()
    assert find_calibrator(Decision(), MODEL_ID, model) is not None


def test_the_operators_own_for_another_model_is_not_used_and_that_is_said(
    model: Path, own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(own, "large@2222")
    with caplog.at_level(logging.WARNING):
        assert find_calibrator(Decision(), MODEL_ID, model) is not None
    assert "your own calibration is not used" in caplog.text


def test_a_models_calibration_of_other_weights_is_not_used_and_that_is_said(
    model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert find_calibrator(Decision(), "large@2222", model) is None
    assert "the model's calibration is not used" in caplog.text


def test_target_rates_become_bounds() -> None:
    rules = rules_for(Decision(target_fmr=0.1, target_fnmr=0.1), None, "small", calibrator())
    assert rules.bounds is not None
    assert (rules.bounds.accept, rules.bounds.correlation, rules.bounds.half_life_s) == (1.0, 0.6, 2.0)
    assert rules.threshold == 0.62  # for what still needs a cosine, such as enrolling
    assert str(rules) == "by calibrated evidence, verified from +1.00 nats on, unknown from -0.10"


def test_a_person_may_have_a_rate_of_their_own() -> None:
    settings = load(None, ["decision.people={anna: {target_fmr: 0.01}}", "decision.target_fmr=0.1"])
    rules = rules_for(settings.decision, None, "small", calibrator()).among((Member("anna"), Member("ben")))
    assert rules.bounds is not None
    assert (rules.bounds.accept_of("anna"), rules.bounds.accept_of("ben")) == (2.0, 1.0)


def test_a_verdict_is_never_less_likely_than_its_contrary() -> None:
    rare = rules_for(Decision(target_fmr=0.1, prior=0.001), None, "small", calibrator())
    assert rare.bounds is not None
    assert rare.bounds.accept == pytest.approx(6.907, abs=1e-3)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("decision.target_fmr=0", "decision.target_fmr = 0: must be a number at least 1e-06 and at most 0.5"),
        ("decision.target_fnmr=2", "decision.target_fnmr = 2: must be"),
        ("decision.people={anna: {target_fmr: 2}}", "decision.people.anna.target_fmr = 2: must be"),
        ("decision.people={anna: {fmr: 0.1}}", "decision.people.anna.fmr: unknown key"),
        ("decision.people={anna: {}}", "decision.people.anna = {}: set target_fmr, target_fnmr or prior"),
        ("decision.prior=1", "decision.prior = 1: must be"),
        ("decision.method=magic", "decision.method = 'magic': must be one of"),
        ("decision.half_life_s=0", "decision.half_life_s = 0: must be"),
        ("decision.target_fmrs=0.1", "decision.target_fmrs: unknown key; did you mean 'target_fmr'?"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(override: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(None, [override])
    assert str(refused.value).startswith(said)


def test_a_cosine_threshold_for_calibrated_evidence_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"a cosine decides nothing with decision\.method = calibrated"):
        load(None, ["decision.method=calibrated", "decision.threshold=0.7"])
