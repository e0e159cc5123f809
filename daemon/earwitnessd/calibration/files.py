"""A calibration and its cohort as two files in a directory: read whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from earwitnessd.calibration.calibration import VERSION, Calibration, CalibrationError
from earwitnessd.calibration.calibrator import Calibrator
from earwitnessd.calibration.cohort import LEAST_SPEAKERS, Cohort

CALIBRATION = "calibration.json"
COHORT = "cohort.safetensors"
ABOUT = "earwitness"
AGAIN = "fit it anew: earwitnessd calibrate TRIALS --root DIR"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a cohort's file says of itself."""

    model_id: str
    top: Annotated[int, msgspec.Meta(ge=1)]
    # so many of the speakers most alike count
    data: str
    # for people


def read_calibrator(directory: Path, model_id: str) -> Calibrator | None:
    """What lies there for this model; None if nothing does."""
    file = directory / CALIBRATION
    if not file.exists():
        return None
    try:
        calibration = msgspec.json.decode(file.read_bytes(), type=Calibration)
    except (msgspec.DecodeError, OSError) as error:
        raise CalibrationError(f"{file}: cannot be read ({error}): {AGAIN}") from None
    if calibration.version != VERSION:
        raise CalibrationError(
            f"{file}: is of version {calibration.version}, this program reads {VERSION}: {AGAIN}"
        )
    if calibration.model_id != model_id:
        raise CalibrationError(
            f"{file}: was fitted for the model {calibration.model_id}, in use is {model_id}, and scores of "
            f"different models mean different things: {AGAIN}"
        )
    return Calibrator(read_cohort(directory / COHORT, model_id, calibration.cohort_sha256), calibration)


def read_cohort(file: Path, model_id: str, sha256: str | None = None) -> Cohort:
    """The cohort in this file; CalibrationError unless it is this model's, and the one of this SHA-256."""
    try:
        content = file.read_bytes()
        with safe_open(file, framework="numpy") as tensors:
            about = msgspec.json.decode((tensors.metadata() or {}).get(ABOUT, "{}"), type=About)
            vectors, mean = tensors.get_tensor("vectors"), tensors.get_tensor("mean")
    except (OSError, SafetensorError, msgspec.DecodeError) as error:
        raise CalibrationError(f"{file}: cannot be read as a cohort ({error}): {AGAIN}") from None
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise CalibrationError(f"{file}: is not the cohort that {CALIBRATION} was fitted with: {AGAIN}")
    if about.model_id != model_id:
        raise CalibrationError(
            f"{file}: is a cohort of the model {about.model_id}, in use is {model_id}: {AGAIN}"
        )
    whole = vectors.astype(np.float32)
    if whole.ndim != 2 or len(whole) < LEAST_SPEAKERS or mean.shape != whole.shape[1:]:
        raise CalibrationError(
            f"{file}: expected at least {LEAST_SPEAKERS} speakers, one vector each: {AGAIN}"
        )
    return Cohort.stored(model_id, mean.astype(np.float32), whole, about.top)


def packed_cohort(cohort: Cohort, about: str) -> bytes:
    """The file of a cohort, in half precision."""
    tensors = {"vectors": cohort.vectors.astype(np.float16), "mean": cohort.mean.astype(np.float32)}
    described = About(model_id=cohort.model_id, top=cohort.top, data=about)
    # one entry: the order of several would differ each time
    content: bytes = save(tensors, {ABOUT: msgspec.json.encode(described).decode()})
    return content


def write_calibrator(directory: Path, cohort: bytes, calibration: Calibration) -> None:
    """Both files; the calibration last, which without its cohort is refused."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / COHORT).write_bytes(cohort)
    text = msgspec.json.format(msgspec.json.encode(calibration), indent=2)
    (directory / CALIBRATION).write_bytes(text + b"\n")
