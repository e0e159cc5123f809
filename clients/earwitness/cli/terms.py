"""The terms a person is kept on, and failed checks, in words."""

from __future__ import annotations

from ..control import Custody
from ..words import clean, day, span


def terms(custody: Custody) -> list[tuple[str, str]]:
    """Pairs of name and what is said; what there is nothing to say of is left out."""
    consent = custody.consent
    said = (
        f"{clean(consent.text)} ({day(consent.at)}, by {clean(consent.by)})"
        if consent
        else "none is recorded"
    )
    found = [("consent", said)]
    if custody.keep_until:
        found.append(("kept until", clean(custody.keep_until)))
    if custody.last_heard:
        found.append(("last heard", clean(custody.last_heard)))
    if custody.failed_checks:
        wait = f", the next in {span(custody.wait_s)}" if custody.wait_s else ""
        found.append(("failed checks", f"{custody.failed_checks} in a row{wait}"))
    return found + [("PROBLEM", clean(problem)) for problem in custody.unreadable]
