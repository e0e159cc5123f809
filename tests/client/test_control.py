"""Asking a daemon over real sockets."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import zmq

from earwitness import Control, ControlError, NoDaemon
from earwitness.control import (
    AnyMethod,
    CancelEnrollment,
    DeleteProfile,
    Done,
    EnrollAudio,
    Enrolled,
    EnrollLive,
    Enrolment,
    GetStatus,
    PauseStream,
    Problem,
    Profiles,
    Reload,
    Reloaded,
    RenameProfile,
    Reply,
    Request,
    ResumeStream,
    Status,
)

from .events import heartbeat
from .fake_publisher import Answer, FakeControl

TIMEOUT_S = 10.0


def agreeable(method: AnyMethod, attachment: bytes | None) -> Answer:
    match method:
        case GetStatus():
            return Status(version="0.1.0", pid=7, boot="one", heartbeat=heartbeat())
        case EnrollLive(stream=stream):
            return Enrolment(enrolment="e1", stream=stream or "desk", needed_s=12.0)
        case EnrollAudio(name=name):
            return Enrolled(
                name=name,
                exemplars=1,
                speech_s=float(len(attachment or b"")),
                consistency=0.8,
                snr_db=20.0,
                warnings=[],
            )
        case Reload():
            return Reloaded(profiles=2, changed=["gate.floor_s"], restart_needed=[])
        case DeleteProfile(name="nobody"):
            return Problem(code="not_found", message="nobody is not enrolled")
        case _:
            return Done()


def test_every_method_comes_back_typed(control_endpoint: str) -> None:
    with FakeControl(control_endpoint, agreeable) as daemon, Control(control_endpoint) as control:
        assert control.status().heartbeat.engine.device == "cpu (1 thread)"
        assert control.enroll_live("anna", speech_s=8.0).needed_s == 12.0
        assert control.cancel_enrollment("e1").message == "done"
        assert control.rename_profile("anna", "anne") == Done()
        assert control.pause("desk") == Done()
        assert control.resume("desk") == Done()
        assert control.reload().changed == ["gate.floor_s"]
        kinds = [type(daemon.requests.get(timeout=TIMEOUT_S)) for _ in range(7)]
    assert kinds == [
        GetStatus,
        EnrollLive,
        CancelEnrollment,
        RenameProfile,
        PauseStream,
        ResumeStream,
        Reload,
    ]


def test_a_recording_travels_as_an_attachment(control_endpoint: str, tmp_path: Path) -> None:
    recording = tmp_path / "anna.wav"
    recording.write_bytes(b"RIFF" + b"\0" * 96)
    with FakeControl(control_endpoint, agreeable) as daemon, Control(control_endpoint) as control:
        assert control.enroll_audio("anna", recording, label="headset").speech_s == 100.0
        method = daemon.requests.get(timeout=TIMEOUT_S)
        assert method == EnrollAudio(name="anna", label="headset", source="anna.wav")
        assert control.enroll_audio("anna", b"RIFF").speech_s == 4.0


def test_a_problem_becomes_an_error_with_its_code(control_endpoint: str) -> None:
    with FakeControl(control_endpoint, agreeable), Control(control_endpoint) as control:
        with pytest.raises(ControlError, match="nobody is not enrolled") as caught:
            control.delete_profile("nobody")
        assert caught.value.code == "not_found"
        assert control.reload().profiles == 2


def test_an_answer_of_another_form_is_an_error_that_suspects_the_version(control_endpoint: str) -> None:
    with (
        FakeControl(control_endpoint, lambda *_: {"surprise": True}),
        Control(control_endpoint) as control,
        pytest.raises(ControlError, match="another version"),
    ):
        control.status()


def test_without_a_daemon_the_error_says_where_and_what_to_do(control_endpoint: str) -> None:
    with Control(control_endpoint, timeout_s=0.1) as control:
        with pytest.raises(NoDaemon, match="is earwitnessd running") as caught:
            control.status()
        assert control_endpoint in str(caught.value)


def test_a_daemon_that_hangs_is_told_from_one_that_does_not_run(control_endpoint: str) -> None:
    with (
        FakeControl(control_endpoint, lambda *_: None),
        Control(control_endpoint, timeout_s=0.5) as control,
        pytest.raises(NoDaemon, match="took the request but did not answer"),
    ):
        control.status()


def test_a_request_that_found_no_daemon_is_not_obeyed_later(control_endpoint: str) -> None:
    with Control(control_endpoint, timeout_s=0.5) as control:
        with pytest.raises(NoDaemon):
            control.delete_profile("anna")
        with FakeControl(control_endpoint, agreeable) as daemon:
            reload_when_connected(control)
            assert isinstance(daemon.requests.get(timeout=TIMEOUT_S), Reload)


def reload_when_connected(control: Control) -> None:
    for _ in range(20):
        try:
            control.reload()
        except NoDaemon:
            continue
        return


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(control_endpoint: str) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as daemon:
        daemon.linger = 0
        daemon.rcvtimeo = int(1000 * TIMEOUT_S)
        daemon.bind(control_endpoint)
        with Control(control_endpoint, timeout_s=0.5) as control:
            with pytest.raises(NoDaemon):
                control.profiles()
            late = answer(daemon, Profiles(model_id="late", profiles=[]))
            daemon.send_multipart([late[0], b"", b"garbage"])
            daemon.send_multipart(late)
            with pytest.raises(NoDaemon):
                control.profiles()


def answer(daemon: zmq.Socket[bytes], result: object) -> list[bytes]:
    peer, _, body = daemon.recv_multipart()
    request = msgspec.json.decode(body, type=Request)
    reply = Reply(id=request.id, result=msgspec.Raw(msgspec.json.encode(result)))
    return [peer, b"", msgspec.json.encode(reply)]
