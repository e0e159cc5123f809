from __future__ import annotations

import msgspec
import pytest

from tests.daemon.conftest import recording, tiny_model

from .figures import Figure, Figures, table

__all__ = ["recording", "tiny_model"]

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
        # in the test's report it comes from wherever the test runs to where the summary is printed
        self._test.user_properties.append((PRICE, msgspec.json.encode(figure).decode()))


@pytest.fixture
def price(request: pytest.FixtureRequest) -> Price:
    """Tell what a fault cost: `price("the sound server dies", lost="1.2 s of audio", back_s=0.8)`."""
    return Price(request.node, request.module.__name__.rpartition("test_")[2].replace("_", " "))


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
