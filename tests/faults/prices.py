"""What faults cost comes in the reports of their tests, wherever those run, and is printed at the end."""

from __future__ import annotations

import msgspec
import pytest

from .figures import Figure, Figures, table

FIGURES = Figures()
PRICE = "what a fault cost"


class Price:
    """Takes the figures of one test."""

    def __init__(self, test: pytest.Item, family: str) -> None:
        self._test = test
        self._family = family

    def __call__(self, fault: str, *, lost: str, back_s: float | None, so: str = "") -> None:
        figure = Figure(family=self._family, fault=fault, lost=lost, back_s=back_s, so=so)
        FIGURES.add(figure)
        self._test.user_properties.append((PRICE, msgspec.json.encode(figure).decode()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = [
        msgspec.json.decode(str(value), type=Figure)
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if report.when == "call" and name == PRICE
    ]
    if figures:
        terminalreporter.section("what each fault cost")
        terminalreporter.write_line(table(figures))
