"""Where the report goes, and whether it can be drawn at all."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from earwitnessd.evaluation.errors import EvaluationError
from earwitnessd.evaluation.findings import Findings

SUFFIXES = {".html", ".png"}


def open_report(path: Path) -> Callable[[Findings], None]:
    """What will write it; what it lacks for that is said at once, before anything is computed."""
    if path.suffix not in SUFFIXES:
        raise EvaluationError(f"--report {path}: expected a name that ends in .html or .png")
    if not path.parent.is_dir():
        raise EvaluationError(f"--report {path}: there is no folder {path.parent}")
    if find_spec("matplotlib") is None:
        raise EvaluationError(f"--report {path}: needs matplotlib: pip install 'earwitness[report]'")

    def write(findings: Findings) -> None:
        # only here: matplotlib is an extra
        from earwitnessd.evaluation.page import page  # noqa: PLC0415
        from earwitnessd.evaluation.panels import picture  # noqa: PLC0415

        if path.suffix == ".html":
            path.write_text(page(findings), encoding="utf-8")
        else:
            path.write_bytes(picture(findings))

    return write
