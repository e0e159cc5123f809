"""Silence is told by its length; speech goes whole, with what was before and after it."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.capture.hush import HANG_OVER_SAMPLES, Hush
from earwitnessd.capture.messages import RATE, Audio, Samples, Silent, pack, unpack
from tests.satellite.said import BLOCK, audio

Told = list[tuple[str, int, int]]


def noise(samples: int, dbfs: float, seed: int = 0) -> Samples:
    drawn = np.random.default_rng(seed).standard_normal(samples).astype(np.float32)
    return drawn * np.float32(10 ** (dbfs / 20))


def told(levels_dbfs: list[float]) -> Told:
    """Kind, position and samples of what comes of so many blocks."""
    hush, found = Hush(), []
    for number, level in enumerate(levels_dbfs):
        found += hush.push(audio(number), noise(BLOCK, level, number))
    found += hush.flush()
    return [
        (type(said).__name__, said.position, said.samples if isinstance(said, Silent) else len(block or ()))
        if not isinstance(said, Audio)
        else ("Audio", said.position, len(block) if block is not None else 0)
        for said, block in found
    ]


def test_positions_go_on_whatever_is_left_out() -> None:
    said = told([-60.0] * 20 + [-25.0] * 4 + [-60.0] * 20)
    assert [position for _, position, _ in said] == [BLOCK * number for number in range(44)]
    assert {samples for _, _, samples in said} == {BLOCK}


def test_a_room_is_sent_whole_until_it_is_known_how_quiet_it_is() -> None:
    kinds = [kind for kind, _, _ in told([-60.0] * 30)]
    assert kinds[:12] == ["Audio"] * 12
    assert kinds[-4:] == ["Silent"] * 4


def test_speech_comes_with_the_block_before_it_and_a_second_after() -> None:
    said = told([-60.0] * 24 + [-25.0] * 2 + [-60.0] * 12)
    heard = [position // BLOCK for kind, position, _ in said if kind == "Audio" and position >= 20 * BLOCK]
    assert heard == list(range(23, 26 + HANG_OVER_SAMPLES // BLOCK))


def test_silence_comes_back_as_loud_as_it_was() -> None:
    hush, silents = Hush(), []
    for number in range(30):
        silents += [
            s for s, _ in hush.push(audio(number), noise(BLOCK, -55.0, number)) if isinstance(s, Silent)
        ]
    message, samples = unpack(pack(silents[-1]))
    assert isinstance(message, Audio)
    assert samples is not None
    assert len(samples) == BLOCK
    assert 10 * np.log10(np.mean(np.square(samples))) == pytest.approx(-55.0, abs=1.0)
    assert len(pack(silents[-1])[0]) < 200


def test_exact_zeros_come_back_as_exact_zeros() -> None:
    silent = Silent(stream="m", stream_id="m-1", monotonic_ns=0, position=0, samples=RATE, level_dbfs=-120.0)
    _, samples = unpack(pack(silent))
    assert samples is not None
    assert not samples.any()


def test_sixteen_bits_lose_no_more_than_half_a_step() -> None:
    samples = np.linspace(-1.0, 1.0, 1001, dtype=np.float32)
    _, back = unpack(pack(audio(0), samples))
    assert back is not None
    assert np.abs(back - np.clip(samples, -1.0, 32767 / 32768)).max() <= 0.5 / 32768 + 1e-7
