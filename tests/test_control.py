"""Requests over a real ROUTER: every one gets its answer, and none of them harms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq

from earwitness.control import (
    AnyMethod,
    DeleteProfile,
    Done,
    EnrollAudio,
    EnrollLive,
    GetStatus,
    Reload,
    Reply,
)
from earwitnessd.access.sockets import open_control
from earwitnessd.control import MAX_WAITING, ControlServer
from earwitnessd.settings.root import Sockets

TIMEOUT_MS = 10_000


class Desk:
    """A server whose requests are kept, and clients to send them."""

    def __init__(self, folder: Path, answer_within_s: float = 60.0) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.endpoint = f"ipc://{folder}/control"
        self.socket = open_control(self.context, self.endpoint, Sockets())
        self.server = ControlServer(self.socket, self._handle, answer_within_s)
        self.asked: list[tuple[int, AnyMethod, bytes]] = []

    def _handle(self, token: int, method: AnyMethod, attachment: bytes) -> None:
        self.asked.append((token, method, attachment))

    def client(self, kind: int = zmq.DEALER) -> zmq.Socket[bytes]:
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.connect(self.endpoint)
        return socket

    def serve(self) -> None:
        """Wait for requests and take them."""
        assert self.socket.poll(TIMEOUT_MS), "no request came"
        self.server.on_requests()

    def serve_until(self, requests: int) -> None:
        """Until so many requests have come, all told."""
        while self.server.requests < requests:
            self.serve()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.context.destroy(linger=0)


def request(method: str, params: object = None, identity: str = "1", **more: object) -> bytes:
    return msgspec.json.encode({"id": identity, "method": method, "params": params or {}, **more})


def reply_to(client: zmq.Socket[bytes]) -> Reply:
    assert client.poll(TIMEOUT_MS), "no reply came"
    return msgspec.json.decode(client.recv_multipart()[-1], type=Reply)


def refusal(desk: Desk, frames: list[bytes]) -> tuple[str, str]:
    """The code and the message with which the frames are answered."""
    with desk.client() as client:
        client.send_multipart(frames)
        desk.serve()
        reply = reply_to(client)
    assert desk.asked == []
    assert reply.error is not None
    assert bytes(reply.result) == b"null"
    return reply.error.code, reply.error.message


@pytest.mark.parametrize("kind", [zmq.REQ, zmq.DEALER])
def test_a_request_is_answered_to_whoever_asked(desk: Desk, kind: int) -> None:
    with desk.client(kind) as client, desk.client(kind) as other:
        client.send(request("profiles.delete", {"name": "anna"}, "mine"))
        desk.serve()
        other.send(request("status", None, "theirs"))
        desk.serve_until(2)
        (first, method, _), (second, status, _) = desk.asked
        assert method == DeleteProfile(name="anna")
        assert status == GetStatus()
        desk.server.reply(second, Done(message="theirs"))
        desk.server.reply(first, Done(message="mine"))
        for asker, name in ((client, "mine"), (other, "theirs")):
            reply = reply_to(asker)
            assert (reply.id, reply.error) == (name, None)
            assert msgspec.json.decode(reply.result) == {"message": name}


def test_a_dealer_may_put_an_empty_frame_first_and_gets_it_back(desk: Desk) -> None:
    with desk.client() as client:
        client.send_multipart([b"", request("reload")])
        desk.serve()
        assert desk.asked == [(1, Reload(), b"")]
        desk.server.reply(1, Done())
        assert client.poll(TIMEOUT_MS)
        assert client.recv_multipart()[0] == b""


@pytest.mark.parametrize("front", [[], [b""]])
def test_a_recording_comes_as_the_frame_after_the_request(desk: Desk, front: list[bytes]) -> None:
    recording = bytes(range(256)) * 1000
    with desk.client() as client:
        client.send_multipart([*front, request("enroll.audio", {"name": "anna"}), recording])
        desk.serve()
        assert desk.asked == [(1, EnrollAudio(name="anna"), recording)]
        client.send_multipart([*front, request("enroll.audio", {"name": "anna"}), b""])
        desk.serve_until(2)
    assert desk.asked[1] == (2, EnrollAudio(name="anna"), b"")


def test_parameters_that_are_left_out_have_their_defaults(desk: Desk) -> None:
    with desk.client() as client:
        client.send(b'{"method": "enroll.live", "params": {"name": "anna"}}')
        desk.serve()
        client.send(b'{"method": "status"}')
        desk.serve_until(2)
    assert [method for _, method, _ in desk.asked] == [EnrollLive(name="anna"), GetStatus()]


def test_a_refusal_carries_code_and_message(desk: Desk) -> None:
    with desk.client() as client:
        client.send(request("status", None, "x"))
        desk.serve()
        desk.server.refuse(1, "not_found", "nobody is there")
        reply = reply_to(client)
    assert reply.error is not None
    assert (reply.id, reply.error.code, reply.error.message) == ("x", "not_found", "nobody is there")
    assert desk.server.errors == 1


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"", b""],
        [b"garbage"],
        [b"\xff\xfe\x00"],
        [b"{"],
        [b"[]"],
        [b"null"],
        [b"{}"],
        [b'{"method": 3}'],
        [b'{"method": "status", "v": "1"}'],
        [b'{"method": "status", "id": 1}'],
        [b'{"method": "st\\ud800"}'],
        [b"[" * 100_000],
        [b'{"method": "status", "params": ' + b"[" * 100_000],
        [b'{"method": "status"}', b"a", b"b"],
        [b"", b'{"method": "status"}', b"a", b"b"],
    ],
)
def test_what_is_no_request_is_refused(desk: Desk, frames: list[bytes]) -> None:
    code, message = refusal(desk, frames)
    assert code == "bad_request"
    assert message
    assert (desk.server.requests, desk.server.errors) == (1, 1)


@pytest.mark.parametrize("version", [0, 2, 10**15])
def test_another_version_is_refused_with_ours(desk: Desk, version: int) -> None:
    code, message = refusal(desk, [request("status", v=version)])
    assert code == "unsupported_version"
    assert message == f"v = {version}: this daemon speaks version 1"


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("profile.list", "'profile.list': no such method; did you mean 'profiles.list'?"),
        ("reload!", "'reload!': no such method; did you mean 'reload'?"),
        ("", "'': no such method; there are: check.begin, "),
        ("xyzzy", "'xyzzy': no such method; there are: check.begin, "),
    ],
)
def test_an_unknown_method_is_refused_with_the_nearest_or_all(desk: Desk, method: str, said: str) -> None:
    code, message = refusal(desk, [request(method)])
    assert code == "unknown_method"
    assert message.startswith(said)


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("profiles.delete", {}, "profiles.delete: Object missing required field `name`"),
        ("profiles.delete", {"name": "a.b"}, "profiles.delete: "),
        ("profiles.delete", {"name": ""}, "profiles.delete: "),
        ("profiles.delete", {"name": "a" * 65}, "profiles.delete: "),
        ("profiles.delete", {"name": 3}, "profiles.delete: Expected `str`, got `int`"),
        ("profiles.list", {"nam": "anna"}, "profiles.list: Object contains unknown field `nam`"),
        ("enroll.live", {"name": "anna", "speech_s": 1}, "enroll.live: Expected `float` >= 2.0"),
        ("status", [1], "status: Expected `object`, got `array`"),
    ],
)
def test_parameters_that_do_not_fit_the_method_are_refused(
    desk: Desk, method: str, params: object, said: str
) -> None:
    code, message = refusal(desk, [request(method, params)])
    assert code == "bad_request"
    assert message.startswith(said)


def test_a_refused_request_gets_its_id_back_where_it_could_be_read(desk: Desk) -> None:
    with desk.client() as client:
        client.send(request("nonsense", None, "find me"))
        desk.serve()
        assert reply_to(client).id == "find me"


def test_what_the_engine_does_not_answer_is_refused_in_time_and_only_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, answer_within_s=0.0)
    with desk.client() as client:
        client.send(request("status", None, "late"))
        desk.serve()
        desk.server.expire()
        reply = reply_to(client)
        assert reply.id == "late"
        assert reply.error is not None
        assert reply.error.code == "unavailable"
        desk.server.reply(1, Done())
        desk.server.expire()
        client.send(request("status", None, "next"))
        desk.serve_until(2)
        desk.server.reply(2, Done())
        assert reply_to(client).id == "next"
    desk.context.destroy(linger=0)


def test_what_can_still_be_answered_does_not_expire(desk: Desk) -> None:
    with desk.client() as client:
        client.send(request("status"))
        desk.serve()
        desk.server.expire()
        assert desk.server.errors == 0
        desk.server.reply(1, Done())
        assert reply_to(client).error is None


def test_a_daemon_that_leaves_answers_everybody(desk: Desk) -> None:
    with desk.client() as client:
        for identity in "abc":
            client.send(request("status", None, identity))
        desk.serve_until(3)
        desk.server.refuse_all("the daemon is stopping")
        replies = [reply_to(client) for _ in range(3)]
    assert [reply.id for reply in replies] == ["a", "b", "c"]
    assert {reply.error.code for reply in replies if reply.error} == {"unavailable"}


def test_more_requests_than_can_wait_are_refused_at_once(desk: Desk) -> None:
    with desk.client() as client:
        for number in range(MAX_WAITING + 5):
            client.send(request("status", None, str(number)))
            desk.serve_until(number + 1)
        refused = [reply_to(client) for _ in range(5)]
        assert all(reply.error and reply.error.code == "unavailable" for reply in refused)
        assert len(desk.asked) == MAX_WAITING
        desk.server.refuse_all("enough")


def test_a_client_that_left_without_its_answer_is_no_problem(desk: Desk) -> None:
    with desk.client() as gone:
        gone.send(request("status"))
        desk.serve()
    with desk.client() as client:
        client.send(request("status", None, "still here"))
        desk.serve_until(2)
        desk.server.reply(1, Done())
        desk.server.reply(2, Done())
        assert reply_to(client).id == "still here"


def test_a_thousand_hostile_messages_are_survived_and_each_is_answered(desk: Desk) -> None:
    random = np.random.default_rng(13)
    whole = request("enroll.audio", {"name": "anna"})
    with desk.client() as client:
        for number in range(1000):
            if number % 3 == 0:
                frames = [random.bytes(int(random.integers(0, 200))) for _ in range(random.integers(1, 5))]
            elif number % 3 == 1:
                frames = [whole[: int(random.integers(0, len(whole)))]]
            else:
                broken = bytearray(whole)
                for place in random.integers(0, len(whole), 3):
                    broken[place] = random.integers(0, 256)
                frames = [bytes(broken)]
            client.send_multipart(frames)
            asked = len(desk.asked)
            desk.serve_until(number + 1)
            for token, _, _ in desk.asked[asked:]:
                desk.server.reply(token, Done())
            reply_to(client)
        client.send(request("status", None, "the last"))
        desk.serve_until(1001)
        desk.server.reply(desk.asked[-1][0], Done())
        assert reply_to(client).id == "the last"
