"""kill -9 while enrolling and deleting: what was answered holds, what was not is whole or not there."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from random import Random

import msgspec
import pytest
import zmq

from earwitness.control import AnyMethod, DeleteProfile, EnrollAudio, Reply

from .patient import Patient, send, voice_of
from .prices import Price

KILLS = 30
MOST_WAIT_S = 0.25
DRAIN_MS = 200  # an answer that was sent before the kill is on its way no longer than this


class Clerk:
    """Enrols and deletes without a break, and remembers what was promised."""

    def __init__(self, random: Random) -> None:
        self.there: set[str] = set()
        # answered as enrolled, and not deleted
        self.promises = 0
        self._random = random
        self._number = 0
        self._recording = voice_of("anna")
        self._asked: AnyMethod | None = None
        # and not answered

    def work(self, endpoint: str, for_s: float, then_kill: Patient) -> None:
        """For a while; then the daemon dies in the middle of whatever it does."""
        over_s = time.monotonic() + for_s
        with zmq.Context() as context, context.socket(zmq.DEALER) as client:
            client.linger = 0
            client.connect(endpoint)
            while (left_s := over_s - time.monotonic()) > 0:
                if self._asked is None:
                    self._ask(client)
                if client.poll(1 + int(1000 * left_s)):
                    self._hear(client)
            then_kill.process.kill()
            then_kill.process.wait(10)
            if client.poll(DRAIN_MS):
                self._hear(client)

    def _ask(self, client: zmq.Socket[bytes]) -> None:
        if len(self.there) > 5 and self._random.random() < 0.5:
            self._send(client, DeleteProfile(name=self._random.choice(sorted(self.there))))
        else:
            self._number += 1
            self._send(client, EnrollAudio(name=f"guest{self._number}"), self._recording)

    def _send(self, client: zmq.Socket[bytes], method: AnyMethod, *attachment: bytes) -> None:
        send(client, method, *attachment)
        self._asked = method

    def _hear(self, client: zmq.Socket[bytes]) -> None:
        reply = msgspec.json.decode(client.recv_multipart()[-1], type=Reply)
        assert reply.error is None, reply.error
        match self._asked:
            case EnrollAudio(name=name):
                self.there.add(name)
            case DeleteProfile(name=name):
                self.there.discard(name)
        self._asked = None
        self.promises += 1

    def settle(self, found: set[str]) -> None:
        """After the restart: everything promised is so; what was under way may be either."""
        unsure = {getattr(self._asked, "name", "")}
        assert found - unsure == self.there - unsure
        self.there = found
        self._asked = None


@pytest.mark.slow
def test_thirty_kills_lose_nothing_that_was_promised_and_leave_nothing_half_done(
    tmp_path: Path, price: Price
) -> None:
    random = Random(11)
    backs_s = []
    absent = {"source": "pipe", "path": str(tmp_path / "absent"), "paused": True}
    with Patient(tmp_path, {"streams": {"desk": absent}}) as daemon:
        clerk = Clerk(random)
        for _ in range(KILLS):
            clerk.work(daemon.control_endpoint, random.uniform(0.01, MOST_WAIT_S), daemon)
            backs_s.append(daemon.restart())
            clerk.settle(set(daemon.names()))
            whole(daemon)
        assert clerk.promises > KILLS
        daemon.stop()
    with closing(sqlite3.connect(tmp_path / "profiles.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    price(
        f"kill -9 at {KILLS} random moments of enrolling and deleting",
        lost=f"nothing of {clerk.promises} answered requests",
        back_s=max(backs_s),
        so="has each change on disk before it answers",
    )


def whole(daemon: Patient) -> None:
    """Everybody who is listed has sessions that can be compared."""
    for summary in daemon.control.profiles().profiles:
        assert summary.usable == summary.exemplars == 1
        profile = daemon.control.profile(summary.name)
        assert [exemplar.usable for exemplar in profile.exemplars] == [True]
        assert profile.exemplars[0].speech_s > 0.0
