"""`earwitness check` against a scripted publisher."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.checking import Check, GroupCheck
from earwitness.cli.check import ask
from earwitness.cli.connection import Connection
from earwitness.events import Event

from .events import group_verified, heartbeat, lost, unknown, verified
from .fake_publisher import FakePublisher
from .programs import Program, finished, refused

SHORT = ("--within", "400ms")


@pytest.fixture
def publisher(events_endpoint: str) -> Iterator[FakePublisher]:
    with FakePublisher(events_endpoint) as made:
        yield made


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ([verified("anna")], 0),
        ([verified("bert"), verified("anna", stream="kitchen")], 0),
        ([verified("bert")], 1),
        ([unknown()], 1),
        ([verified("anna", ttl_s=0.0)], 2),
        ([unknown(ttl_s=0.0)], 2),
        ([verified("anna"), lost("anna")], 2),
        ([], 2),
    ],
    ids=["them", "them elsewhere", "another", "unknown", "stale", "stale unknown", "silence", "nothing"],
)
def test_the_last_value_decides_by_what_is_left_of_its_time(
    publisher: FakePublisher, said: list[Event], status: int
) -> None:
    publisher.publish(*said)
    publisher.flush()
    answer = ask(Connection(events=publisher.endpoint), Check("anna", None, 0.2), 0.2)
    assert answer.status == status


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ([group_verified()], 0),
        ([group_verified(watchlist=True)], 0),
        ([verified("bert"), group_verified()], 0),
        ([group_verified("staff")], 2),
        ([group_verified(ttl_s=0.0)], 2),
        ([verified("bert", groups=("staff",))], 1),
        ([verified("anna", groups=("adults", "family"))], 2),
        ([unknown()], 1),
        ([], 2),
    ],
    ids=[
        "anyone",
        "on the list",
        "anyone, though another was verified",
        "another group",
        "stale",
        "nobody of them",
        "one of them, but not sure enough for the group",
        "unknown",
        "nothing",
    ],
)
def test_a_group_is_checked_as_a_whole(publisher: FakePublisher, said: list[Event], status: int) -> None:
    publisher.publish(*said)
    publisher.flush()
    answer = ask(Connection(events=publisher.endpoint), GroupCheck("family", None, 0.2), 0.2)
    assert answer.status == status


def test_a_group_is_answered_with_who_it_may_be(publisher: FakePublisher, tmp_path: Path) -> None:
    publisher.publish(group_verified())
    result = finished(tmp_path, "check", "--group", "family")
    assert (result.returncode, result.stderr) == (0, "")
    assert "anyone of family is verified at desk: most like anna of 2" in result.stdout
    publisher.publish(group_verified())
    answer = json.loads(finished(tmp_path, "check", "--group", "family", "--json").stdout)
    assert (answer["speaker"], answer["group"], answer["event"]["group"]) == (None, "family", "family")


@pytest.mark.parametrize("wrong", [[], ["anna", "--group", "family"]], ids=["nobody", "both"])
def test_either_a_person_or_a_group_is_asked_for(
    capsys: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    status, told = refused(capsys, "check", *wrong, *SHORT)
    assert status == 2
    assert "either for a NAME or for a --group" in told


def test_quiet_says_it_by_the_exit_status_alone(publisher: FakePublisher, tmp_path: Path) -> None:
    publisher.publish(verified("anna"))
    result = finished(tmp_path, "check", "anna", "-q")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_they_may_begin_to_speak_within_the_time(publisher: FakePublisher, tmp_path: Path) -> None:
    publisher.publish(unknown())
    with Program(tmp_path, "check", "anna", "--within", "60s") as program:
        assert publisher.subscribed.wait(30)
        publisher.publish(verified("bert"), verified("anna", score=0.81))
        assert program.line() == "anna is verified at desk: 0.81, needs 0.62"
        assert program.process.wait(30) == 0


def test_only_the_stream_that_was_asked_about_counts(publisher: FakePublisher) -> None:
    publisher.publish(verified("anna", stream="kitchen"))
    publisher.flush()
    connection = Connection(events=publisher.endpoint)
    assert ask(connection, Check("anna", "kitchen", 60.0), 60.0).status == 0
    assert ask(connection, Check("anna", "desk", 0.2), 0.2).status == 2


def test_a_stream_that_does_not_exist_is_named(publisher: FakePublisher, tmp_path: Path) -> None:
    publisher.publish(heartbeat())
    result = finished(tmp_path, "check", "anna", "--stream", "dsk", "--within", "60s")
    assert result.returncode == 2
    assert "there is no stream 'dsk'; there are: desk" in result.stdout


def test_without_a_daemon_it_is_3(tmp_path: Path) -> None:
    result = finished(tmp_path, "check", "anna", *SHORT)
    assert result.returncode == 3
    assert result.stdout == ""
    assert "no daemon answers there" in result.stderr


def test_a_host_that_says_nothing_gets_more_time_than_one_that_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        answer = ask(
            Connection(events=f"tcp://127.0.0.1:{silent.getsockname()[1]}"), Check("anna", None, 9.0), 9.0
        )
        assert (answer.status, 4.9 <= time.monotonic() - began < 9.0) == (3, True)
    assert "is earwitnessd running?" in answer.message


@pytest.mark.parametrize("wrong", [["--events", "nonsense"], ["--key", "only-one"]])
def test_what_goes_wrong_is_never_taken_for_an_answer(
    capsys: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    status, told = refused(capsys, *wrong, "check", "anna", *SHORT)
    assert status == 2
    assert told


def test_json_has_the_answer_and_what_it_rests_on(publisher: FakePublisher, tmp_path: Path) -> None:
    publisher.publish(verified("bert"))
    answer = json.loads(finished(tmp_path, "check", "anna", "--json", *SHORT).stdout)
    assert (answer["result"], answer["status"], answer["stream"]) == ("other", 1, "desk")
    assert answer["event"]["speaker"] == "bert"
    assert answer["assurance"] == "evidence"


def test_the_help_says_that_it_is_no_login(tmp_path: Path) -> None:
    assert "evidence, not a login" in " ".join(finished(tmp_path, "check", "--help").stdout.split())
