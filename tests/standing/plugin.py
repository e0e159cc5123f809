"""A failure tells what the machine did meanwhile, and what failed while it stood still is run once more."""

from __future__ import annotations

import pytest
from _pytest.runner import runtestprotocol

from .meter import Meter

STOOD_STILL_S = 0.5
METER = pytest.StashKey[Meter]()
AGAIN = "run again"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[METER] = meter = Meter()
    config.add_cleanup(meter.close)


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _run(item, nextitem):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _run(item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    meter = item.config.stash[METER]
    began = meter.now()
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    failed = [report for report in reports if report.failed]
    if not failed:
        return reports
    hindrance = meter.since(began)
    if hindrance.still_s >= STOOD_STILL_S and _ran_before(item) is None:
        item.user_properties[:] = [(AGAIN, str(hindrance))]
        item.session._setupstate.teardown_exact(None)  # shared fixtures start from nothing, too
        return _run(item, nextitem)
    for report in failed:
        report.sections.append(("meanwhile, the machine", str(hindrance)))
    return reports


def _ran_before(run: pytest.Item | pytest.TestReport) -> str | None:
    """What the machine did, if this is the second time."""
    return next((str(value) for name, value in run.user_properties if name == AGAIN), None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        f"{report.nodeid} failed while the machine {hindrance}; then it {outcome}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" and (hindrance := _ran_before(report))
    ]
    if lines:
        terminalreporter.section(AGAIN)
        for line in lines:
            terminalreporter.write_line(line)
