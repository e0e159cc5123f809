from __future__ import annotations

import pytest

from tests.daemon.conftest import recording, tiny_model

from .figures import Figure, Figures, table

__all__ = ["recording", "tiny_model"]

FIGURES = Figures()


class Price:
    """Takes the figures of one test."""

    def __init__(self, family: str) -> None:
        self._family = family

    def __call__(self, fault: str, *, lost: str, back_s: float | None, so: str = "") -> None:
        FIGURES.add(Figure(family=self._family, fault=fault, lost=lost, back_s=back_s, so=so))


@pytest.fixture
def price(request: pytest.FixtureRequest) -> Price:
    """Tell what a fault cost: `price("the sound server dies", lost="1.2 s of audio", back_s=0.8)`."""
    return Price(request.module.__name__.rpartition("test_")[2].replace("_", " "))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES.figures:
        terminalreporter.section("what each fault cost")
        terminalreporter.write_line(table(FIGURES.figures))
