"""One thing that the doctor looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

Verdict = Literal["ok", "note", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """`note`: it works, but somebody should know."""

    subject: str
    verdict: Verdict
    says: str
    fix: str = ""
    # what to do; empty where nothing is wrong


def worst(findings: Sequence[Finding]) -> Verdict:
    """Of all."""
    verdicts = {finding.verdict for finding in findings}
    return "wrong" if "wrong" in verdicts else "note" if "note" in verdicts else "ok"
