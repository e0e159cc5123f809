"""Asks the daemon what was missed, without ever waiting for the answer."""

from __future__ import annotations

import uuid

import msgspec
import zmq

from ..control.envelope import Reply, Request
from ..control.requests import EventsSince
from ..control.results import Replay
from ..endpoints import Keys, keys_for, secure
from .refill import Question

ANSWER_WITHIN_S = 1.0
MOST_ANSWERS = 50  # to one question, each with a part
REST_S = 10.0  # after a question that nobody answered, no other one
MAX_REPLY = 16 << 20  # bytes


class Asking:
    """One question at a time; connected only while it is open. Belongs to the subscription's thread."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        topics: tuple[str, ...],
        keys: Keys | None,
    ) -> None:
        self.endpoint = endpoint
        self.socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_REPLY)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 100)
        secure(self.socket, endpoint, keys or keys_for(endpoint))
        self._topics = topics
        self._boot = ""
        self._request_id = ""
        self._deadline = 0.0
        self._parts = 0
        self._rest_until = 0.0

    @property
    def open(self) -> bool:
        """A question waits for its answer."""
        return bool(self._request_id)

    def patience_s(self, now: float) -> float:
        """How long it still waits."""
        return max(0.0, self._deadline - now)

    def ask(self, question: Question, now: float) -> bool:
        """Whether it makes sense to wait for an answer."""
        if now < self._rest_until:
            return False
        try:
            self.socket.connect(self.endpoint)
        except zmq.ZMQError:
            self._rest_until = now + REST_S
            return False
        self._boot, self._parts = question.boot, 0
        self._send(question.seq, now)
        return True

    def answer(self, now: float) -> Replay | None:
        """A part of the answer, if one has come; the last part, and silence, make `open` false."""
        while self.open:
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                if now >= self._deadline:
                    self._rest_until = now + REST_S
                    self._end()
                return None
            try:
                reply = msgspec.json.decode(frames[-1], type=Reply)
                if reply.id != self._request_id:
                    continue
                replay = msgspec.json.decode(reply.result, type=Replay)
            except msgspec.DecodeError:
                if frames and b'"error"' in frames[-1]:  # an older daemon does not know the method
                    self._rest_until = now + REST_S
                    self._end()
                continue
            self._parts += 1
            if replay.more and replay.events and self._parts < MOST_ANSWERS and replay.boot == self._boot:
                self._send(int(replay.events[-1]["seq"]), now)
            else:
                self._end()
            return replay
        return None

    def _send(self, seq: int, now: float) -> None:
        self._request_id = uuid.uuid4().hex
        self._deadline = now + ANSWER_WITHIN_S
        method = EventsSince(boot=self._boot, seq=seq, topics=list(self._topics[:64]))
        params = msgspec.Raw(msgspec.json.encode(method))
        request = Request(id=self._request_id, method=method.method, params=params)
        self.socket.send_multipart([b"", msgspec.json.encode(request)], zmq.NOBLOCK)

    def _end(self) -> None:
        self._request_id = ""
        self.socket.disconnect(self.endpoint)
