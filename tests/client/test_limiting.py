"""`check` asks the daemon before and tells it after; without a control socket it goes on uncounted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from earwitness.checking import Answer, Check, GroupCheck, Result
from earwitness.cli.connection import Connection
from earwitness.cli.limiting import limited
from earwitness.control import AnyMethod, BeginCheck, CheckBegun, Done, EndCheck

from .fake_publisher import FakeControl


class Counting:
    """A daemon that counts checks, on a real socket."""

    def __init__(self, endpoint: str, wait_s: float = 0.0) -> None:
        self.ended: list[tuple[str, str]] = []
        self.begun = self.of_groups = 0
        self._wait_s = wait_s
        self.socket = FakeControl(endpoint, self._answer)

    def _answer(self, method: AnyMethod, _attachment: bytes | None) -> msgspec.Struct:
        if isinstance(method, BeginCheck):
            self.begun += 1
            self.of_groups += method.group
            return CheckBegun(attempt="" if self._wait_s else "a1", wait_s=self._wait_s, failures=6)
        assert isinstance(method, EndCheck)
        self.ended.append((method.attempt, method.outcome))
        return Done()


def answering(result: Result, log: list[str]) -> Callable[[Connection, Check, float], Answer]:
    """A check that ends so, and logs whom it asked about."""

    @limited
    def ask(connection: Connection, question: Check, within_s: float) -> Answer:
        log.append(question.asked)
        return Answer(speaker="anna", result=result, status=0, stream=None, message="", event=None)

    return ask


Outcome = Literal["verified", "other", "inconclusive"]


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("verified", "verified"),
        ("other", "other"),
        ("inconclusive", "inconclusive"),
        ("no_daemon", "inconclusive"),
    ],
)
def test_how_a_check_ended_is_told(tmp_path: Path, result: Result, outcome: Outcome) -> None:
    endpoint = f"ipc://{tmp_path}/control"
    log: list[str] = []
    daemon = Counting(endpoint)
    with daemon.socket:
        answer = answering(result, log)(Connection(control=endpoint), Check("anna", None, 1.0), 1.0)
    assert answer.result == result
    assert log == ["anna"]
    assert daemon.ended == [("a1", outcome)]


def test_after_too_many_failures_nobody_listens_and_the_wait_is_told(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/control"
    log: list[str] = []
    daemon = Counting(endpoint, wait_s=61.0)
    with daemon.socket:
        answer = answering("verified", log)(Connection(control=endpoint), Check("anna", None, 1.0), 1.0)
    assert (answer.result, answer.status, answer.wait_s) == ("inconclusive", 2, 61.0)
    assert answer.message == "anna is not checked: 6 checks in a row have failed, wait 61 s"
    assert (log, daemon.ended) == ([], [])


def test_a_group_is_counted_as_such(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/control"
    daemon = Counting(endpoint, wait_s=61.0)

    @limited
    def ask(connection: Connection, question: GroupCheck, within_s: float) -> Answer:
        raise AssertionError("nobody may listen")

    with daemon.socket:
        answer = ask(Connection(control=endpoint), GroupCheck("staff", None, 1.0), 1.0)
    assert (answer.speaker, answer.group, answer.status, answer.wait_s) == (None, "staff", 2, 61.0)
    assert daemon.of_groups == 1


def test_without_a_control_socket_the_check_goes_on(tmp_path: Path) -> None:
    log: list[str] = []
    connection = Connection(control=f"ipc://{tmp_path}/nobody")
    answer = answering("verified", log)(connection, Check("anna", None, 1.0), 1.0)
    assert answer.result == "verified"
    assert log == ["anna"]
