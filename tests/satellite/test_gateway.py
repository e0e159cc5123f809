"""Microphones elsewhere are heard over real sockets; who lies or floods is cut off while the others go on."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq

from earwitness.endpoints import Keys, secure
from earwitness.events import SatelliteCut, StreamLost, StreamOpened, WindowScored
from earwitnessd.capture.messages import RATE, AnyMessage, Audio, pack
from earwitnessd.satellite import link
from earwitnessd.version import VERSION
from tests.satellite.field import Field, Satellite, endless
from tests.satellite.said import alive, audio, lost, opened

WITHIN_MS = 8000


class Impostor:
    """Has a key that is allowed, and says what it likes."""

    def __init__(self, endpoint: str, keys: Keys, run: str = "impostor") -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.set(zmq.LINGER, 0)
        self.socket.set(zmq.RECONNECT_IVL, -1)
        secure(self.socket, endpoint, keys)
        self.socket.connect(endpoint)
        self.say(link.Hello(protocol=link.PROTOCOL, run=run, machine="elsewhere", version=VERSION))
        self._number = 0

    def __enter__(self) -> Impostor:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(linger=0)

    def say(self, word: link.Word, *frames: bytes) -> None:
        self.socket.send_multipart([link.encode(word), *frames])

    def flood(self, messages: int) -> None:
        """As many as the daemon lets come."""
        with suppress(zmq.Again):
            for _ in range(messages):
                frames = [link.encode(link.Block(number=0)), *pack(now(alive()))]
                self.socket.send_multipart(frames, zmq.DONTWAIT)

    def hear(self) -> link.FromDaemon:
        assert self.socket.poll(WITHIN_MS), "the daemon says nothing"
        return link.from_daemon(self.socket.recv())

    def settle(self) -> None:
        """Be welcomed, and answer the first question."""
        assert isinstance(self.hear(), link.Welcome)
        while not isinstance(asked := self.hear(), link.Ask):
            pass
        now_ns = time.monotonic_ns()
        self.say(
            link.Answer(
                asked_ns=asked.asked_ns,
                heard_ns=now_ns,
                answered_ns=now_ns,
                wall_ns=time.time_ns(),
                waiting_s=0.0,
                state="listening",
                reason="",
            )
        )

    def block(self, message: AnyMessage, samples: int = 4000) -> None:
        self._number += 1
        data = np.zeros(samples, np.float32) if isinstance(message, Audio) else None
        self.say(link.Block(number=self._number), *pack(now(message), data))


def now(message: AnyMessage) -> AnyMessage:
    return msgspec.structs.replace(message, monotonic_ns=time.monotonic_ns())


def test_liars_and_flooders_are_cut_off_and_told_of_while_the_others_go_on(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    field = Field(tmp_path, {"model": tiny_model})
    field.place("kitchen", endless(recording))
    liar, flooder = field.keys("liar"), field.keys("flooder")
    endpoint = f"tcp://127.0.0.1:{field.port}"
    with field, ExitStack() as stack:
        opening = field.daemon.wait_for(StreamOpened, lambda event: event.stream == "kitchen")
        one = stack.enter_context(Impostor(endpoint, liar))
        one.settle()
        one.block(opened())
        one.block(audio(0))
        field.until_live("liar")
        one.block(lost(4000, 3600 * RATE))
        cut = field.daemon.wait_for(SatelliteCut)
        assert (cut.stream, cut.key, cut.address) == ("liar", "liar", "127.0.0.1")
        assert "s of audio within" in cut.reason
        gone = field.daemon.wait_for(StreamLost, lambda event: event.stream == "liar")
        assert "cut off" in gone.reason
        other = stack.enter_context(Impostor(endpoint, flooder))
        other.settle()
        other.block(opened())
        other.flood(3000)
        cut = field.daemon.wait_for(SatelliteCut)
        assert (cut.stream, cut.key) == ("flooder", "flooder")
        assert "messages a second" in cut.reason
        _, state = field.until("liar", lambda _, link: link.cuts == 1)
        assert state.state == "cut_off"
        again = stack.enter_context(Impostor(endpoint, liar))
        refused = again.hear()
        assert isinstance(refused, link.Refused)
        assert 0 < refused.again_in_s <= 10.0
        stream, state = field.until_live("kitchen")
        window = field.daemon.wait_for(WindowScored, lambda event: event.stream == "kitchen")
        assert window.stream_id == opening.stream_id
        assert (stream.opened, stream.lost_samples, stream.gaps, state.cuts, state.refused) == (1, 0, 0, 0, 0)
        assert state.round_trip_ms is not None
        assert state.clock_offset_ms == pytest.approx(0.0, abs=50.0)


def test_a_stream_is_added_for_a_satellite_that_was_refused_before(tmp_path: Path, tiny_model: str) -> None:
    field = Field(tmp_path, {"model": tiny_model})
    field.key("kitchen")
    keys = field.keys("porch")
    del field.streams["porch"]
    endpoint = f"tcp://127.0.0.1:{field.port}"
    with field:
        with Impostor(endpoint, keys) as early:
            refused = early.hear()
        assert isinstance(refused, link.Refused)
        assert "no stream of this daemon has the key 'porch'" in refused.reason
        field.daemon.control.add_stream("porch", {"source": "network"})
        with Impostor(endpoint, keys) as late:
            late.settle()
            late.block(opened())
            late.block(audio(0))
            field.until_live("porch")
        lost_now = field.daemon.wait_for(StreamLost, lambda event: event.stream == "porch")
        assert "nothing came from the satellite" in lost_now.reason
        field.daemon.control.remove_stream("porch")
        with Impostor(endpoint, keys) as again:
            assert isinstance(again.hear(), link.Refused)


def test_a_satellite_is_paused_and_resumed_and_a_copy_of_its_key_refused(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    field = Field(tmp_path, {"model": tiny_model})
    field.place("kitchen", endless(recording), send="speech")
    with field:
        field.until_live("kitchen")
        with Impostor(f"tcp://127.0.0.1:{field.port}", field.keys_of("kitchen")) as copy:
            refused = copy.hear()
        assert isinstance(refused, link.Refused)
        assert "another satellite" in refused.reason
        assert refused.again_in_s <= link.SILENT_S + 0.5  # by then it is known whether the first one is gone
        field.daemon.control.pause("kitchen")
        lost_now = field.daemon.wait_for(StreamLost)
        assert (lost_now.reason, lost_now.final) == ("paused", True)
        field.until("kitchen", lambda stream, link: stream.state == "paused" and link.state == "up")
        field.daemon.control.resume("kitchen")
        stream, _ = field.until("kitchen", lambda stream, _: stream.state == "live" and stream.opened == 2)
        assert stream.gaps == 0


@pytest.mark.slow
def test_check_says_whether_the_daemon_would_hear_this_machine(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    field = Field(tmp_path, {"model": tiny_model})
    satellite = field.place("kitchen", endless(recording))
    with field:
        field.until_live("kitchen")
        returned, said = check(satellite)
        assert (returned, "hears this as stream kitchen" in said) == (0, True), said
        assert satellite.stop() == 0
        revoked = field.folder / "satellites" / "kitchen.key"
        revoked.rename(revoked.with_suffix(".revoked"))
        field.until("kitchen", lambda _, link: link.state == "down")
        returned, said = check(satellite)
        assert (returned, "does not know this machine's key" in said) == (3, True), said


def check(satellite: Satellite) -> tuple[int, str]:
    done = subprocess.run(satellite.command("check"), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr
