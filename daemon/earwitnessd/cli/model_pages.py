"""What `earwitnessd model` says of a model, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from earwitnessd.models import Model
    from earwitnessd.models.catalogue import Offered
    from earwitnessd.models.installed import Installed
    from earwitnessd.models.record import Record

KEY, INDENT = 10, "    "


def described(model: Model) -> str:
    """All that is known of one, a fact a line."""
    from earwitnessd.models.record import read_record

    record = read_record(model.directory)
    threshold = "none suggested" if model.threshold is None else f"{model.threshold:g} cosine"
    rows = {
        "name": model.name,
        "family": model.family.says,
        "model id": model.model_id,
        "directory": model.directory,
        "weights": f"{model.weights.name}, {model.weights.stat().st_size / 1e6:.1f} MB",
        "revision": model.revision or "not recorded",
        "made from": f"{record.source}, SHA-256 {record.source_sha256}" if record.source else "",
        "normalise": "yes" if model.normalise else "no",
        "threshold": threshold,
        "calibrated": calibration_of(model.directory, model.model_id),
        "licence": model.licence,
    }
    lines = [f"{key:{KEY}} {value}" for key, value in rows.items() if value]
    return "\n".join([*lines, *reservations(record)])


def reservations(record: Record) -> Iterator[str]:
    """What was published of it, what was taken for granted, and what to beware of."""
    if record.published:
        yield f"{'published':{KEY}} {record.published}"
    for each in record.assumed:
        yield f"{'assumed':{KEY}} {each}, which the file does not say"
    if record.left_aside:
        more = ", …" if record.left_aside[4:] else ""
        yield f"{'left aside':{KEY}} {', '.join(record.left_aside[:4])}{more}"
    if record.warning:
        yield f"{'beware':{KEY}} {record.warning}"


def calibration_of(directory: Path, model_id: str) -> str:
    """Which calibration decides, for people: the operator's own before the model's."""
    from earwitnessd.assemble import calibration_directory
    from earwitnessd.calibration import CalibrationError, read_calibrator

    own = calibration_directory()
    problem = ""
    for whose, place in (("your own: ", own), ("", directory)):
        try:
            if calibrator := read_calibrator(place, model_id):
                return f"{whose}{calibrator.calibration.summary}"
        except CalibrationError as error:
            # a calibration of one's own may be for another model
            problem = problem if place == own else str(error)
    return problem or "none: decided by cosine"


def of_installed(model: Installed) -> Iterator[str]:
    """One in a list."""
    if model.problem or model.family is None:
        yield f"  {model.name}: CANNOT BE USED"
        yield f"{INDENT}{model.problem}"
        return
    record = model.record
    yield f"  {model.name}  {model.size_mb:.0f} MB"
    yield f"{INDENT}{model.family.says}"
    revision = f", revision {record.revision[:12]}" if record.revision else ""
    yield f"{INDENT}{model.model_id or 'no hashes are recorded'}{revision}"
    if model.family.embeds:
        calibration = calibration_of(model.directory, model.model_id).partition("\n")[0]
        yield f"{INDENT}calibrated: {calibration}"
    if record.licence:
        yield f"{INDENT}licence: {record.licence}"
    if record.published:
        yield f"{INDENT}published: {record.published}"


def of_offered(model: Offered) -> Iterator[str]:
    """One that can be had."""
    yield f"  {model.name}  {model.weights_mb} MB"
    yield f"{INDENT}{model.family.says}"
    source = f" ({model.source})" if model.source else ""
    yield f"{INDENT}published: {model.published}{source}"
    yield f"{INDENT}licence: {model.licence}"
    if model.note:
        yield f"{INDENT}{model.note}"
    yield f"{INDENT}{model.command}"
