"""Windows go out over a real socket and come back as vectors, or it is known that they did not."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.access.keys import new_key_pair
from earwitnessd.access.to_gate import place_of
from earwitnessd.engines.remote.link import Link, Place, RemoteError, Tally, WrongModelError
from earwitnessd.engines.remote.wire import Identity, Reply, from_int16, pack_reply, to_int16, unpack_request
from earwitnessd.serving.gate import BusyError, Gate, Keys
from earwitnessd.settings.remote import Remote

from .fakes import IDENTITY, OTHER, WITHIN_S, FakeEngine, by_content, gate, place, router, windows


@contextmanager
def linked(opened: Gate, each: int = 2, at_once: int = 4, expects: Identity = IDENTITY) -> Iterator[Link]:
    with closing(Link(place(opened, each, at_once), expects, Tally())) as link:
        link.wait_until_up(WITHIN_S)
        yield link


def adds_up(tally: Tally) -> bool:
    return tally.sent == tally.answered + tally.failed + tally.late


@pytest.mark.parametrize("count", [1, 2, 7, 33])
def test_every_window_comes_back_in_its_row(count: int) -> None:
    heard, engine = windows(count), FakeEngine()
    with gate(engine) as opened, linked(opened) as link:
        vectors, trouble = link.ask(to_int16(heard), WITHIN_S)
        assert trouble == ""
        assert vectors is not None
        np.testing.assert_array_equal(vectors, by_content(heard))
        assert link.device == "a rack"
        assert link.tally.answered == link.tally.sent == (count + 1) // 2
        assert link.tally.round_trip_ms > 0


def test_no_more_is_on_its_way_at_once_than_allowed() -> None:
    engine = FakeEngine()
    with gate(engine) as opened, linked(opened, each=1, at_once=3) as link:
        vectors, _ = link.ask(to_int16(windows(24)), WITHIN_S)
        assert vectors is not None
        assert np.isfinite(vectors).all()
    assert 1 <= engine.most_at_once <= 3
    assert len(engine.requests) == 24


def test_the_newest_windows_go_first_and_only_the_oldest_are_missing_at_the_deadline() -> None:
    engine, heard = FakeEngine(), windows(6)
    engine.fail_at = 1  # the second request
    with gate(engine) as opened, linked(opened, each=2, at_once=1) as link:
        vectors, trouble = link.ask(to_int16(heard), 0.3)
        assert vectors is not None
        assert np.isnan(vectors[:4]).all()
        np.testing.assert_array_equal(vectors[4:], by_content(heard[4:]))
        assert trouble
        assert adds_up(link.tally)
        assert link.tally.sent == 2


def test_a_slow_engine_does_not_keep_anybody_past_the_deadline() -> None:
    engine = FakeEngine()
    engine.free.clear()
    with gate(engine) as opened, linked(opened) as link:
        began_s = time.monotonic()
        vectors, trouble = link.ask(to_int16(windows(4)), 0.2)
        passed_s = time.monotonic() - began_s
        engine.free.set()
        assert vectors is None
        assert "0.2 s" in trouble or "200 ms" in trouble or "199 ms" in trouble
        assert passed_s < 1.0
        assert adds_up(link.tally)


def test_an_answer_that_comes_too_late_is_never_taken_for_the_next_batch(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/g"
    context, socket = router(address)
    first, second = windows(1, seed=1), windows(1, seed=2)

    def serve() -> None:
        held = socket.recv_multipart()
        fresh = socket.recv_multipart()
        for frames in (held, fresh):
            request, samples = unpack_request(frames[1:])
            reply = Reply(id=request.id, status="done", identity=IDENTITY, dimensions=4)
            socket.send_multipart([frames[0], *pack_reply(reply, by_content(from_int16(samples)))])

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    with closing(Link(Place([address]), IDENTITY, Tally())) as link:
        link.wait_until_up(WITHIN_S)
        assert link.ask(to_int16(first), 0.1)[0] is None
        vectors, _ = link.ask(to_int16(second), WITHIN_S)
        np.testing.assert_array_equal(vectors, by_content(second))
        assert (link.tally.late, link.tally.answered) == (1, 1)
    serving.join(WITHIN_S)
    context.destroy(linger=0)


@pytest.mark.parametrize("claims", ["at the gate", "in the reply"])
def test_vectors_of_another_model_are_refused_whoever_notices(claims: str) -> None:
    engine = FakeEngine()
    engine.identity = OTHER
    served = OTHER if claims == "at the gate" else IDENTITY
    with gate(engine, identity=served) as opened, linked(opened) as link:
        with pytest.raises(WrongModelError, match=r"weights cdcdcdcdcdcd.*weights abababababab.*is expected"):
            link.ask(to_int16(windows(4)), WITHIN_S)
        assert adds_up(link.tally)
        assert bool(engine.requests) == (claims == "in the reply")


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (BusyError("too many wait"), "too many wait"),
        (RuntimeError("a GPU burns"), "the replicas failed: RuntimeError"),
    ],
)
def test_what_fails_there_is_told_here_at_once(failure: Exception, says: str) -> None:
    engine = FakeEngine()
    engine.failure = failure
    with gate(engine) as opened, linked(opened) as link:
        vectors, trouble = link.ask(to_int16(windows(2)), WITHIN_S)
        assert vectors is None
        assert trouble == says
        assert link.tally.failed == 1


def test_nobody_there_is_told_without_waiting_for_the_deadline(tmp_path: Path) -> None:
    with closing(Link(Place([f"ipc://{tmp_path}/none"]), IDENTITY, Tally())) as link:
        vectors, trouble = link.ask(to_int16(windows(1)), 30.0)
        assert vectors is None
        assert trouble.startswith("no connection to ipc://")
        with pytest.raises(RemoteError, match="nobody answers at ipc://"):
            link.wait_until_up(0.1)


def test_a_gate_that_dies_with_requests_is_noticed_before_the_deadline() -> None:
    engine = FakeEngine()
    engine.free.clear()
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        opened = Gate(f"ipc://{folder}/g", IDENTITY, engine)

        def die() -> None:
            assert engine.entered.wait(WITHIN_S)
            opened.close()
            engine.free.set()

        dying = threading.Thread(target=die)
        with linked(opened) as link:
            dying.start()
            began_s = time.monotonic()
            vectors, trouble = link.ask(to_int16(windows(1)), 30.0)
            assert time.monotonic() - began_s < WITHIN_S
            assert (vectors is None, trouble) == (True, f"the connection to {opened.address} broke")
            dying.join(WITHIN_S)
            assert adds_up(link.tally)
            assert link.tally.late == 1


def test_a_full_gate_says_so_at_once() -> None:
    engine = FakeEngine()
    engine.free.clear()
    with gate(engine, workers=1, queued=1) as opened, linked(opened, each=1, at_once=8) as link:
        _, trouble = link.ask(to_int16(windows(8)), 0.5)
        engine.free.set()
        assert "requests wait already" in trouble
        assert link.tally.failed >= 6
        assert adds_up(link.tally)


class TestKeys:
    def test_only_known_keys_come_in(self, tmp_path: Path) -> None:
        new_key_pair(tmp_path, "gate")
        new_key_pair(tmp_path / "clients", "kitchen")
        new_key_pair(tmp_path, "stranger")
        keys = Keys(tmp_path / "gate.key_secret", tmp_path / "clients")
        with gate(FakeEngine(), address="tcp://127.0.0.1:*", keys=keys) as opened:

            def remote(own: Path) -> Remote:
                return Remote(
                    addresses=(opened.address,),
                    secret_key_file=str(own),
                    server_key=str(tmp_path / "gate.key"),
                )

            own = place_of(remote(tmp_path / "clients" / "kitchen.key_secret"))
            with closing(Link(own, IDENTITY, Tally())) as link:
                link.wait_until_up(WITHIN_S)
                vectors, trouble = link.ask(to_int16(windows(3)), WITHIN_S)
                assert (vectors is not None, trouble) == (True, "")
            strange = place_of(remote(tmp_path / "stranger.key_secret"))
            refused = pytest.raises(RemoteError, match="refuses this daemon's key")
            with closing(Link(strange, IDENTITY, Tally())) as link, refused:
                link.wait_until_up(WITHIN_S)
