"""When audio is handed on: at the end of a window, and not much later than it came."""

from __future__ import annotations

import numpy as np
import pytest

from earwitnessd.capture.cadence import AT_ONCE_S, Cadence
from earwitnessd.capture.gathering import PATIENCE_S, Gathering
from earwitnessd.capture.resample import Resampler
from earwitnessd.capture.source import Chunk
from earwitnessd.demo.conversation import FOLDER
from earwitnessd.settings.sources import FileReplay
from tests.capture.harness import Capture

NS = 1_000_000_000


def handed_on(
    rate: int, block: int, blocks: int, cadence: Cadence, *, speaking: bool = False
) -> list[tuple[int, int]]:
    """By which block of a steady source, and up to which 16 kHz position; nobody speaks in the beginning."""
    resampler = Resampler(rate)
    gathering, ends = Gathering(rate, resampler, cadence), []
    for number in range(blocks):
        gathering.speaking = speaking and number * block >= rate
        now_ns = number * block * NS // rate
        gathering.add(Chunk(number * block, np.zeros((block, 1), dtype=np.float32)), now_ns)
        if gathering.ripe(now_ns):
            resampler.push(gathering.take()[:, 0])
            ends.append((number, resampler.position))
    return ends


def by_which_block(ends: list[tuple[int, int]], position: int) -> int:
    return next(number for number, end in ends if end >= position)


@pytest.mark.parametrize(("rate", "block"), [(16_000, 512), (48_000, 1_536), (44_100, 1_411), (8_000, 256)])
@pytest.mark.parametrize("speaking", [False, True])
def test_a_windows_end_comes_as_early_as_if_each_block_were_handed_on(
    rate: int, block: int, speaking: bool
) -> None:
    gathered = handed_on(rate, block, 400, Cadence.of(3.0, 0.5), speaking=speaking)
    at_once = handed_on(rate, block, 400, Cadence(most=1))
    for window_end in range(48_000, 190_000, 8_000):
        assert by_which_block(gathered, window_end) <= by_which_block(at_once, window_end)
    assert len(gathered) < len(at_once) / 3


def test_few_blocks_come_of_many_but_none_waits_for_long() -> None:
    ends = [end for _, end in handed_on(16_000, 512, 400, Cadence.of(3.0, 0.5))]
    assert max(np.diff([0, *ends])) <= 4_000 + 512
    assert len(ends) <= 2 * 400 * 512 / 8_000 + 1


def test_while_somebody_speaks_audio_comes_once_a_hop() -> None:
    ends = [end for _, end in handed_on(16_000, 512, 400, Cadence.of(3.0, 0.5), speaking=True)]
    assert len(ends) == pytest.approx(400 * 512 / 8_000 + 2, abs=1)


def test_while_somebody_speaks_none_waits_longer_than_the_gate_hears_at_once() -> None:
    ends = [end for _, end in handed_on(16_000, 512, 400, Cadence.of(3.0, 2.0), speaking=True)]
    assert max(np.diff([0, *ends])) <= AT_ONCE_S * 16_000 + 512


def test_a_short_hop_is_kept() -> None:
    ends = [end for _, end in handed_on(16_000, 512, 200, Cadence.of(1.0, 0.1)) if end >= 16_000]
    assert max(np.diff(ends)) <= 1_600 + 512


def test_what_waits_goes_when_the_source_falls_silent() -> None:
    gathering = Gathering(16_000, Resampler(16_000), Cadence())
    gathering.add(Chunk(0, np.zeros((100, 1), dtype=np.float32)), 0)
    assert not gathering.ripe(0)
    assert gathering.due_in_s(NS // 10) == pytest.approx(0.25 + PATIENCE_S - 0.1)
    assert gathering.ripe(round((0.25 + PATIENCE_S) * NS))
    gathering.speaking = True
    assert gathering.due_in_s(NS // 10) == pytest.approx(AT_ONCE_S + PATIENCE_S - 0.1)


def test_a_replay_in_real_time_says_little_and_everything() -> None:
    with Capture(FileReplay(path=str(FOLDER / "conversation.ogg"))) as capture:
        capture.until_heard(3 * 16_000)
    assert len(capture.blocks) <= 3.3 * 2 * 2
    captured_s = [audio.monotonic_ns / NS for audio, _ in capture.blocks]
    spoken_s = [(audio.position + len(samples)) / 16_000 for audio, samples in capture.blocks]
    assert np.ptp(np.subtract(captured_s, spoken_s)) < 0.2


def test_a_process_that_is_told_of_speech_says_less_until_it_is_told_of_the_end() -> None:
    with Capture(FileReplay(path=str(FOLDER / "conversation.ogg"))) as capture:
        capture.until_heard(4_000)
        stream_id = capture.supervisor.stream_id
        capture.supervisor.tell_speech(stream_id, speaking=True)
        capture.until_heard(3 * 16_000)
        capture.supervisor.tell_speech(stream_id, speaking=False)
        capture.until_heard(5 * 16_000)
    sizes = [len(samples) for _, samples in capture.blocks]
    ends = np.cumsum(sizes)
    told = [size for size, end in zip(sizes, ends, strict=True) if 1.5 * 16_000 < end <= 2.9 * 16_000]
    after = [size for size, end in zip(sizes, ends, strict=True) if end > 4.0 * 16_000]
    assert min(told) > 0.4 * 16_000
    assert max(after) < 0.4 * 16_000


def test_a_process_is_not_told_of_another_opening() -> None:
    with Capture(FileReplay(path=str(FOLDER / "conversation.ogg"))) as capture:
        capture.until_heard(4_000)
        capture.supervisor.tell_speech("an opening that is over", speaking=True)
        capture.until_heard(2 * 16_000)
    assert max(len(samples) for _, samples in capture.blocks) < 0.4 * 16_000
