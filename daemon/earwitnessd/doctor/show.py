"""The findings as a table, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from earwitness.words import clean
from earwitnessd.doctor.finding import Finding, Verdict, worst

MARKS: dict[Verdict, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "note": ("note", "yellow"),
    "wrong": ("wrong", "bold red"),
}
SUMMARY: dict[Verdict, str] = {
    "ok": "All is well.",
    "note": "It can work; see the notes.",
    "wrong": "Something is wrong: see what mends it.",
}


def show(findings: Sequence[Finding], console: Console) -> None:
    """One row a finding; what mends it stands below."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        mark, style = MARKS[finding.verdict]
        says = Text(clean(finding.says))
        if finding.fix:
            says.append(f"\n→ {clean(finding.fix)}", style="cyan")
        table.add_row(finding.subject, Text(mark, style=style), says)
    console.print(table)
    verdict = worst(findings)
    console.print(Text(f"\n{SUMMARY[verdict]}", style=MARKS[verdict][1]))
