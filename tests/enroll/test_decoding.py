"""Recordings are decoded one after the other in a thread apart; what is none is said to be none."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from earwitness.control import EnrollAudio
from earwitnessd.enroll.decoding import Decoding, Recorded
from earwitnessd.enroll.errors import RecordingError
from earwitnessd.enroll.recording import Decoded

TIMEOUT_S = 10.0


class Decoder:
    """Decodes nothing until it is let go."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.entered = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)

    def __call__(self, recording: bytes) -> Decoded:
        self.threads.append(threading.current_thread().name)
        self.entered.release()
        assert self.let_go.acquire(timeout=TIMEOUT_S)
        if recording == b"garbage":
            raise RecordingError("not a sound file")
        if recording == b"worse":
            raise MemoryError("too much")
        return Decoded(np.zeros(len(recording), dtype=np.float32), "WAV", 8000)


@pytest.fixture
def decoder() -> Decoder:
    return Decoder()


@pytest.fixture
def decoding(decoder: Decoder) -> Iterator[Decoding]:
    with closing(Decoding(decoder)) as opened:
        yield opened
        for _ in range(10):
            decoder.let_go.release()


def next_of(decoding: Decoding) -> Recorded:
    """Wait as the engine does: by the descriptor."""
    readable, _, _ = select.select([decoding.fileno()], [], [], TIMEOUT_S)
    assert readable, "nothing was decoded"
    (recorded,) = decoding.take()
    return recorded


def test_whoever_owns_it_goes_on_while_a_recording_is_decoded(decoding: Decoding, decoder: Decoder) -> None:
    decoding.begin(7, EnrollAudio(name="anna"), b"12345")
    assert decoder.entered.acquire(timeout=TIMEOUT_S)
    assert decoding.take() == []
    decoder.let_go.release()
    recorded = next_of(decoding)
    assert (recorded.token, recorded.request.name, recorded.problem) == (7, "anna", "")
    assert recorded.decoded is not None
    assert len(recorded.decoded.samples) == 5
    assert decoder.threads == ["decoding"]
    assert decoding.take() == []


def test_recordings_are_decoded_one_at_a_time_in_the_order_they_came(
    decoding: Decoding, decoder: Decoder
) -> None:
    for token in range(3):
        decoding.begin(token, EnrollAudio(name="anna"), b"1")
    assert decoder.entered.acquire(timeout=TIMEOUT_S)
    assert not decoder.entered.acquire(blocking=False)
    tokens = []
    for _ in range(3):
        decoder.let_go.release()
        tokens.append(next_of(decoding).token)
    assert tokens == [0, 1, 2]


@pytest.mark.parametrize(
    ("recording", "problem"),
    [
        (b"garbage", "not a sound file"),
        (b"worse", "the recording cannot be decoded (MemoryError('too much'))"),
    ],
)
def test_what_cannot_be_decoded_says_why_and_the_next_is_decoded(
    decoding: Decoding, decoder: Decoder, recording: bytes, problem: str
) -> None:
    decoding.begin(1, EnrollAudio(name="anna"), recording)
    decoding.begin(2, EnrollAudio(name="anna"), b"1")
    decoder.let_go.release()
    decoder.let_go.release()
    recorded = next_of(decoding)
    assert recorded.decoded is None
    assert recorded.problem.startswith(problem)
    assert next_of(decoding).decoded is not None


def test_closing_waits_for_what_is_being_decoded_and_forgets_the_rest(decoder: Decoder) -> None:
    decoding = Decoding(decoder)
    decoding.begin(1, EnrollAudio(name="anna"), b"1")
    decoding.begin(2, EnrollAudio(name="anna"), b"1")
    decoder.let_go.release()
    decoding.close()
    assert decoder.threads == ["decoding"]
