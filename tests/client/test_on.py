"""`earwitness on` against a scripted publisher: real sockets, real child processes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .events import group_lost, group_verified, lost, unknown, verified
from .fake_publisher import FakePublisher
from .programs import Program, refused

TELL = 'echo "$EARWITNESS_TYPE $EARWITNESS_STREAM $EARWITNESS_SPEAKER $EARWITNESS_PREVIOUS"'


@pytest.fixture
def publisher(events_endpoint: str) -> Iterator[FakePublisher]:
    with FakePublisher(events_endpoint) as made:
        yield made


def mark(publisher: FakePublisher, name: str) -> None:
    """Make the program say something once it has taken in all before: it names new types."""
    body = json.dumps({"type": f"speaker.{name}", "boot": publisher.boot}).encode()
    publisher.publish_raw(f"speaker.{name}".encode(), body)


def on(publisher: FakePublisher, directory: Path, *arguments: str) -> Program:
    """One that the publisher knows of: whatever is published next arrives."""
    publisher.subscribed.clear()
    program = Program(directory, "on", *arguments)
    program.says("connected to")
    assert publisher.subscribed.wait(30)
    return program


def test_a_command_runs_on_a_change_and_not_on_a_restatement(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    with on(publisher, tmp_path, "verified", "--debounce", "0s", "--", "sh", "-c", TELL) as program:
        publisher.publish(verified("anna"), verified("anna"))
        assert program.line() == "speaker.verified desk anna "
        publisher.publish(verified("anna"), verified("bert"), verified("bert"))
        assert program.line() == "speaker.verified desk bert anna"
        assert program.ended() == 0


def test_the_event_is_on_stdin_and_in_the_environment(publisher: FakePublisher, tmp_path: Path) -> None:
    script = 'cat; echo "$EARWITNESS_SCORE $EARWITNESS_TTL_S $EARWITNESS_REPLAYED $EARWITNESS_ASSURANCE"'
    with on(
        publisher, tmp_path, "verified", "anna", "--debounce", "0s", "--once", "--", "sh", "-c", script
    ) as program:
        publisher.publish(verified("bert"), verified("anna", score=0.81, ttl_s=5.0))
        event = json.loads(program.line())
        assert (event["type"], event["speaker"], event["score"]) == ("speaker.verified", "anna", 0.81)
        assert program.line() == "0.81 5.0 false evidence"
        assert program.process.wait(30) == 0


def test_once_ends_with_the_exit_status_of_the_command(publisher: FakePublisher, tmp_path: Path) -> None:
    with on(
        publisher, tmp_path, "unknown", "--debounce", "0s", "--once", "--", "sh", "-c", "exit 7"
    ) as program:
        publisher.publish(unknown())
        program.says("exit status 7")
        assert program.process.wait(30) == 7


def test_the_command_never_overlaps_itself_and_the_latest_change_waits(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = f'echo "begin $EARWITNESS_SPEAKER $EARWITNESS_PASSED_OVER"; cat {gate}; echo end'
    with on(publisher, tmp_path, "any", "--debounce", "0s", "--", "sh", "-c", script) as program:
        publisher.publish(verified("anna"))
        assert program.line() == "begin anna 0"
        for number, event in enumerate([verified("bert"), unknown(), verified("cora")]):
            publisher.publish(event)
            mark(publisher, f"marker{number}")
            program.says(f"speaker.marker{number}")
        gate.write_text("go\n")
        assert [program.line() for _ in range(3)] == ["go", "end", "begin cora 2"]
        gate.write_text("")
        assert program.line() == "end"


def test_the_state_found_at_connect_counts_only_with_initial(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    publisher.publish(verified("anna"))
    command = ["--debounce", "0s", "--once", "--", "sh", "-c", TELL]
    with (
        on(publisher, tmp_path, "verified", "--initial", *command) as eager,
        on(publisher, tmp_path, "any", *command) as patient,
    ):
        assert eager.line() == "speaker.verified desk anna "
        publisher.publish(verified("anna"), verified("bert"))
        assert patient.line() == "speaker.verified desk bert anna"


def test_a_restarted_daemon_that_says_the_same_changes_nothing(events_endpoint: str, tmp_path: Path) -> None:
    with FakePublisher(events_endpoint) as publisher:
        program = on(publisher, tmp_path, "verified", "--debounce", "0s", "--", "sh", "-c", TELL)
        publisher.publish(verified("anna", ttl_s=60))
        assert program.line() == "speaker.verified desk anna "
    with program:
        program.says("trying again")
        with FakePublisher(events_endpoint) as again:
            again.publish(verified("anna"))
            program.says("the daemon was restarted")
            again.publish(verified("bert"))
            assert program.line() == "speaker.verified desk bert anna"


def test_a_daemon_that_falls_silent_loses_the_speaker(events_endpoint: str, tmp_path: Path) -> None:
    with on_after(events_endpoint, tmp_path) as program:
        assert json.loads(program.line())["reason"] == "expired"


def on_after(endpoint: str, directory: Path) -> Program:
    """A program that heard anna verified, with a short time to live, from a daemon that is gone."""
    with FakePublisher(endpoint) as publisher:
        program = on(publisher, directory, "lost", "anna", "--debounce", "0s", "--once", "--", "cat")
        publisher.publish(verified("anna", ttl_s=0.1))
        mark(publisher, "marker")
        program.says("speaker.marker")
    return program


TELL_GROUP = 'echo "$EARWITNESS_TYPE $EARWITNESS_GROUP ${EARWITNESS_LIKELIEST-} $EARWITNESS_SPEAKER"'


def test_a_group_is_waited_for_and_lost_whoever_of_it_speaks(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    command = ["--group", "family", "--debounce", "0s", "--", "sh", "-cu", TELL_GROUP]
    with on(publisher, tmp_path, "any", *command) as program:
        publisher.publish(verified("anna"), group_verified("staff"), group_verified(), group_verified())
        assert program.line() == "group.verified family anna "
        publisher.publish(group_lost("staff"), group_lost())
        assert program.line() == "group.lost family  "
        publisher.publish(group_verified(watchlist=True))  # since a reload
        assert program.line() == "watchlist.hit family anna "


def test_a_hit_is_of_any_watchlist_or_of_the_one_that_is_named(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    command = ["--debounce", "0s", "--once", "--", "sh", "-c", TELL_GROUP]
    with (
        on(publisher, tmp_path, "hit", *command) as every,
        on(publisher, tmp_path, "hit", "--group", "barred", *command) as barred,
    ):
        publisher.publish(group_verified("barred"), group_verified("lost dogs", watchlist=True))
        assert every.line() == "watchlist.hit lost dogs anna "
        publisher.publish(group_verified("barred", watchlist=True))
        assert barred.line() == "watchlist.hit barred anna "


def test_what_a_silent_daemon_said_of_a_group_holds_no_longer_than_it_lives(
    events_endpoint: str, tmp_path: Path
) -> None:
    with FakePublisher(events_endpoint) as publisher:
        program = on(
            publisher, tmp_path, "lost", "--group", "family", "--debounce", "0s", "--once", "--", "cat"
        )
        publisher.publish(group_verified(ttl_s=0.1))
    with program:
        told = json.loads(program.line())
        assert (told["type"], told["group"], told["reason"]) == ("group.lost", "family", "expired")


@pytest.mark.parametrize("how", ["time limit", "SIGTERM", "SIGINT"])
def test_the_whole_process_group_ends_with_the_command(
    publisher: FakePublisher, tmp_path: Path, how: str
) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    # What the shell started holds the pipe open; at the time limit both ignore being asked.
    deaf = "trap '' TERM; " if how == "time limit" else ""
    script = f"{deaf}sleep 1000 > {held} & echo running; wait"
    limit = ["--timeout", "100ms"] if how == "time limit" else []
    with on(publisher, tmp_path, "verified", "--debounce", "0s", *limit, "--", "sh", "-c", script) as program:
        publisher.publish(verified("anna"))
        assert program.line() == "running"
        with held.open() as pipe:
            if how == "time limit":
                program.says("ended at its time limit")
            else:
                assert program.ended(signal.Signals[how]) == {"SIGTERM": 0, "SIGINT": 130}[how]
            assert pipe.read() == ""


def test_flicker_shorter_than_the_debounce_runs_nothing(publisher: FakePublisher, tmp_path: Path) -> None:
    with on(publisher, tmp_path, "any", "--debounce", "300ms", "--", "sh", "-c", TELL) as program:
        publisher.publish(verified("anna"), lost("anna"), verified("bert", stream="kitchen"))
        assert program.line() == "speaker.verified kitchen bert "


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verified"], "say the command after --"),
        (["verified", "--", "no-such-command-1"], "there is no command 'no-such-command-1'"),
        (["unknown", "anna", "--", "true"], "an unknown voice has no name"),
        (["hit", "anna", "--", "true"], "not decided who of a group or watchlist speaks"),
        (["lost", "anna", "--group", "family", "--", "true"], "not decided who of a group"),
        (["changed", "--group", "family", "--", "true"], "with --group, say one of verified, lost, any, hit"),
        (["verified", "--debounce", "5", "--", "true"], "such as 500ms, 5s, 2m or 1h"),
        (["sometimes", "--", "true"], "sometimes"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_right(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    status, told = refused(capsys, "on", *arguments)
    assert status == 2
    assert message in told
