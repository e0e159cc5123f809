"""The command line against a scripted daemon, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fake_daemon import FakeDaemon

EARWITNESS = [sys.executable, "-c", "from earwitness.cli import main; main()"]
TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of a scripted daemon's sockets; its day goes by in real time."""
    directory = tmp_path_factory.mktemp("daemon")
    fake = FakeDaemon(directory)
    thread = threading.Thread(target=fake.run, args=(100_000,), kwargs={"fast": False})
    thread.start()
    yield directory
    fake.stopping.set()
    thread.join(TIMEOUT_S)


def command(directory: Path, *arguments: str) -> list[str]:
    sockets = ["--events", f"ipc://{directory}/events", "--control", f"ipc://{directory}/control"]
    return [*EARWITNESS, *sockets, *arguments]


def run(directory: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(directory, *arguments),
        input=given,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


def one_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


def test_status_is_readable_and_as_json_whole(daemon: Path) -> None:
    assert "microsoft/wavlm-base-plus-sv on cpu (1 thread)" in run(daemon, "status").stdout
    answer = json.loads(one_line(run(daemon, "status", "--json").stdout))
    assert answer["heartbeat"]["streams"][0]["stream"] == "desk"


def test_without_a_daemon_the_status_is_3_and_one_line_says_what_to_do(tmp_path: Path) -> None:
    result = run(tmp_path, "status")
    assert result.returncode == 3
    assert "is earwitnessd running?" in one_line(result.stderr)


def test_enrolling_live_without_events_is_no_daemon(tmp_path: Path) -> None:
    assert run(tmp_path, "enroll", "zoe").returncode == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["profiles", "show", "zoe"],
        ["pause", "attic"],
        ["enroll", "stranger"],
        ["--key", "only-one", "status"],
        ["profiles", "delete", "zoe", "--yes"],
    ],
    ids=" ".join,
)
def test_a_refusal_is_1_with_one_line(daemon: Path, arguments: list[str]) -> None:
    result = run(daemon, *arguments)
    assert result.returncode == 1
    assert one_line(result.stderr).startswith("earwitness: ")


@pytest.mark.parametrize(
    "arguments",
    [["bogus"], ["enroll"], ["enroll", "zoe", "--speech", "0"], ["enroll", "zoe", "--file", "/no/such"]],
    ids=" ".join,
)
def test_wrong_usage_is_2(daemon: Path, arguments: list[str]) -> None:
    result = run(daemon, *arguments)
    assert result.returncode == 2
    assert "Error:" in result.stderr


def test_watch_without_a_terminal_points_to_tail(daemon: Path) -> None:
    result = run(daemon, "watch")
    assert result.returncode == 2
    assert "earwitness tail" in one_line(result.stderr)


def test_tail_json_is_one_body_a_line_and_survives_head(daemon: Path) -> None:
    with subprocess.Popen(
        command(daemon, "tail", "--json", "heartbeat"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(2):
            assert json.loads(process.stdout.readline())["type"] == "heartbeat"
        process.stdout.close()
        assert process.wait(TIMEOUT_S) == 0
        assert "Traceback" not in process.stderr.read()


def test_tail_for_people_is_one_line_an_event_and_ctrl_c_ends_it(daemon: Path) -> None:
    with subprocess.Popen(
        command(daemon, "tail", "daemon", "stream.opened.desk"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 130
    assert "daemon 0.1.0 started" in lines[0]
    assert "opened: USB Audio, Blue Yeti" in lines[1]


def test_enrolling_live_shows_progress_and_the_result(daemon: Path) -> None:
    result = run(daemon, "enroll", "zoe", "--stream", "desk", "--speech", "2")
    assert result.returncode == 0, result.stderr
    assert "zoe is enrolled from 2.0 s of speech, wideband, SNR 26 dB, consistency +3.1 nats" in result.stdout
    assert "of speech" in result.stderr


def test_ctrl_c_cancels_the_enrolment_at_the_daemon(daemon: Path) -> None:
    with (
        subprocess.Popen(
            command(daemon, "tail", "--json", "enroll.progress"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as listener,
        subprocess.Popen(
            command(daemon, "enroll", "yuri", "--speech", "60"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as enrolling,
    ):
        assert listener.stdout is not None
        assert enrolling.stderr is not None
        for line in listener.stdout:
            progress = json.loads(line)
            if progress["speaker"] != "yuri":
                continue
            if progress["state"] == "listening":
                enrolling.send_signal(signal.SIGINT)
            elif progress["state"] == "cancelled":
                break
        assert enrolling.wait(TIMEOUT_S) == 1
        assert "yuri was not enrolled" in enrolling.stderr.read()
        listener.terminate()


def test_several_recordings_are_enrolled_and_a_bad_one_is_named(daemon: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.wav", tmp_path / "bad.wav"
    good.write_bytes(b"RIFF....")
    bad.write_bytes(b"nothing")
    result = run(daemon, "enroll", "zoe", "--file", str(good), "--file", str(bad), "--label", "phone")
    assert result.returncode == 1
    assert "good.wav: zoe has 1 session now" in result.stdout
    assert "bad.wav: this is not a sound file" in result.stderr
    assert run(daemon, "enroll", "zoe", "--file", str(good)).returncode == 0


def test_people_get_an_operating_point_of_their_own(daemon: Path) -> None:
    said = run(daemon, "profiles", "set", "anna", "--target-fmr", "0.001").stdout
    assert said == "anna: target_fmr 0.001; verified from +4.20 nats on\n"
    shown = json.loads(run(daemon, "profiles", "set", "anna", "--clear", "--json").stdout)
    assert shown["target_fmr"] is None
    nothing = run(daemon, "profiles", "set", "anna")
    assert nothing.returncode == 2
    assert "--target-fmr" in one_line(nothing.stderr)
    assert run(daemon, "profiles", "set", "anna", "--target-fmr", "2").returncode == 2


def test_groups_are_listed_joined_and_left(daemon: Path) -> None:
    listed = run(daemon, "profiles", "group").stdout.splitlines()
    assert [line.split() for line in listed[1:]] == [
        ["banned", "nobody", "watchlist", "20", "s"],
        ["family", "anna,", "bert", "+1.90", "nats", "6.0", "s"],
    ]
    assert len(json.loads(run(daemon, "profiles", "group", "list", "--json").stdout)["groups"]) == 2
    assert run(daemon, "profiles", "group", "add", "family", "anna", "bert").stdout == "done\ndone\n"
    assert run(daemon, "profiles", "group", "remove", "family", "anna").stdout == "done\n"
    assert run(daemon, "profiles", "group", "add", "family").returncode == 2


def test_profiles_are_listed_and_shown(daemon: Path) -> None:
    listed = run(daemon, "profiles", "list").stdout
    assert "anna" in listed
    assert "1 of another model: enrol again" in listed
    assert len(json.loads(run(daemon, "profiles", "list", "--json").stdout)["profiles"]) == 3
    assert run(daemon, "profiles", "remove-session", "anna", "7").stdout == "done\n"
    assert run(daemon, "profiles", "rename", "anna", "anne").stdout == "done\n"


def test_a_profile_is_explained(daemon: Path) -> None:
    shown = run(daemon, "profiles", "show", "anna").stdout
    assert shown.startswith("anna  poor profile  1 session, 13 s of speech, since ")
    for line in (
        "closest other bert, evidence +3.9 nats (+3.5 counts as the same voice)",
        "verified      from +4.2 nats of evidence on (own target_fmr 0.001)",
        "groups        family",
        "· can be taken for bert",
        "· add a session on another day",
    ):
        assert line in shown
    assert "   7  file anna.wav, 2026-11-19 " in shown
    assert "  headset · telephone · 8 kHz" in shown
    assert "13 s of speech · SNR 27 dB · consistency +2.9 nats" in shown
    assert json.loads(run(daemon, "profiles", "show", "anna", "--json").stdout)["verdict"] == "poor"


def test_deleting_asks_first(daemon: Path) -> None:
    assert run(daemon, "profiles", "delete", "anna", given="n\n").returncode == 1
    assert run(daemon, "profiles", "delete", "anna", given="y\n").returncode == 0
    assert run(daemon, "profiles", "delete", "anna", "--yes").returncode == 0


def test_streams_are_paused_and_resumed_and_settings_reloaded(daemon: Path) -> None:
    assert run(daemon, "pause", "desk").returncode == 0
    assert run(daemon, "resume", "desk").returncode == 0
    assert "gate.floor_s" in run(daemon, "reload").stdout


def test_the_version_is_shown() -> None:
    result = subprocess.run([*EARWITNESS, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("earwitness ")
