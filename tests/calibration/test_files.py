"""A calibration belongs to one model and one cohort: anything else is refused, in words."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from earwitnessd.calibration import CalibrationError, read_calibrator
from earwitnessd.calibration.files import CALIBRATION, COHORT, packed_cohort

from .making import MODEL_ID, calibration, cohort, write


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    write(tmp_path)
    read = read_calibrator(tmp_path, MODEL_ID)
    assert read is not None
    assert read.calibration.weights == calibration().weights
    assert read.cohort.top == cohort().top
    assert np.abs(read.cohort.vectors - cohort().vectors).max() < 1e-3


def test_where_nothing_lies_there_is_no_calibration(tmp_path: Path) -> None:
    assert read_calibrator(tmp_path, MODEL_ID) is None


def refusal(directory: Path, model_id: str = MODEL_ID) -> str:
    with pytest.raises(CalibrationError) as refused:
        read_calibrator(directory, model_id)
    assert str(refused.value).endswith("earwitnessd calibrate TRIALS --root DIR")
    return str(refused.value)


def test_another_models_calibration_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    assert "was fitted for the model small@1111, in use is large@2222" in refusal(tmp_path, "large@2222")


def test_another_cohort_than_it_was_fitted_with_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / COHORT).write_bytes(packed_cohort(cohort(speakers=30), "others"))
    assert "is not the cohort that calibration.json was fitted with" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"version": "one"}'])
def test_a_damaged_calibration_is_refused(tmp_path: Path, content: bytes) -> None:
    write(tmp_path)
    (tmp_path / CALIBRATION).write_bytes(content)
    assert "calibration.json: cannot be read" in refusal(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"no tensors"])
def test_a_damaged_or_missing_cohort_is_refused(tmp_path: Path, content: bytes | None) -> None:
    write(tmp_path)
    (tmp_path / COHORT).unlink()
    if content is not None:
        (tmp_path / COHORT).write_bytes(content)
    assert "cohort.safetensors: cannot be read as a cohort" in refusal(tmp_path)


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    newer = msgspec.structs.replace(calibration(), version=2)
    (tmp_path / CALIBRATION).write_bytes(msgspec.json.encode(newer))
    assert "is of version 2, this program reads 1" in refusal(tmp_path)
