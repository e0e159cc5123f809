"""What happens around a GPU's graphs, with graphs that a CPU computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from earwitnessd.engines import Windows
from earwitnessd.engines.buckets import BUCKETS, parts
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.computing import computing
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.graphed import graphed
from earwitnessd.engines.network import Network
from earwitnessd.engines.speech import speech_windows
from earwitnessd.engines.staged import Staged
from earwitnessd.engines.torch_wavlm import in_halves
from tests.engines.families import config_of, network, write

CPU = torch.device("cpu")
SHORT = 4000  # samples


class FakeGraph:
    """Computes when replayed, into the same buffer each time."""

    def __init__(self, net: Network, rows: int, samples: int) -> None:
        self._network = net
        self.inputs = torch.full((rows, samples), torch.nan)
        self.outputs = torch.full((rows, net.vector_size), torch.nan)

    def replay(self) -> None:
        self.outputs.copy_(self._network(self.inputs))


class FakeAccelerator:
    """A CPU that notes what it is told."""

    def __init__(self, net: Network, room: int = BUCKETS[-1], broken: bool = False) -> None:
        self._network = net
        self.room = room
        self.broken = broken
        self.captured: list[tuple[int, int]] = []
        self.staged: list[int] = []
        self.waits = self.forgotten = 0

    @contextmanager
    def submitting(self) -> Iterator[None]:
        yield

    def capture(self, rows: int, samples: int) -> FakeGraph:
        if self.broken:
            raise RuntimeError("operation not permitted when stream is capturing")
        if rows > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.captured.append((rows, samples))
        return FakeGraph(self._network, rows, samples)

    def staging(self, numbers: int) -> Tensor:
        self.staged.append(numbers)
        return torch.full((numbers,), torch.nan)

    def wait(self) -> None:
        self.waits += 1

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return load(write(tmp_path_factory.mktemp("m"), config_of("base"), network(config_of("base"))))


def staged(accelerator: FakeAccelerator) -> Staged:
    return Staged(accelerator, 32)


def test_every_batch_fits_its_parts_and_a_third_is_padding_at_most() -> None:
    for batch in range(1, 3 * BUCKETS[-1] + 1):
        cut = parts(batch)
        assert [part.start for part in cut] == [number * BUCKETS[-1] for number in range(len(cut))]
        assert sum(part.rows for part in cut) == batch
        assert all(part.rows <= part.bucket <= 1.5 * part.rows for part in cut)
        assert {part.bucket for part in cut} <= set(BUCKETS)
    assert parts(0) == []


@pytest.mark.parametrize("batch", [1, 5, 7, 69])
def test_a_row_is_the_same_whatever_the_bucket_and_the_padding(net: Network, batch: int) -> None:
    windows = speech_windows(batch, SHORT)
    alone = np.concatenate([computing(net, CPU)(window[np.newaxis]) for window in windows])
    assert difference(staged(FakeAccelerator(net))(windows), alone).exact


def test_what_padded_or_preceded_a_batch_leaves_nothing_in_the_next(net: Network) -> None:
    compute = staged(FakeAccelerator(net))
    windows = speech_windows(8, SHORT)
    before = compute(windows[:5])
    spoiled = compute(np.full((6, SHORT), np.nan, np.float32))
    assert np.isnan(spoiled).all()
    np.testing.assert_array_equal(compute(windows[:5]), before)


def test_a_nan_spoils_its_own_row_alone(net: Network) -> None:
    compute = staged(FakeAccelerator(net))
    windows = speech_windows(5, SHORT)
    expected = compute(windows)
    windows[1, 100] = np.nan
    found = compute(windows)
    assert np.isnan(found[1]).all()
    others = [0, 2, 3, 4]
    np.testing.assert_array_equal(found[others], expected[others])


def test_vectors_are_the_callers_own_when_the_next_batch_comes(net: Network) -> None:
    compute = staged(FakeAccelerator(net))
    first = compute(speech_windows(2, SHORT))
    kept = first.copy()
    compute(np.zeros((2, SHORT), np.float32))
    np.testing.assert_array_equal(first, kept)


def test_a_batch_waits_for_the_device_once_and_graphs_and_buffers_are_made_once(net: Network) -> None:
    accelerator = FakeAccelerator(net)
    compute = staged(accelerator)
    for _ in range(3):
        compute(speech_windows(70, SHORT))
    compute(speech_windows(7, SHORT))
    assert accelerator.waits == 4
    assert accelerator.captured == [(64, SHORT), (6, SHORT), (8, SHORT)]
    assert accelerator.staged == [0, 0, 70 * SHORT, 70 * 32]


def test_graphs_are_bounded_in_number_and_the_least_used_goes(net: Network) -> None:
    accelerator = FakeAccelerator(net)
    compute = Staged(accelerator, 32, most_graphs=2)
    first, second, third = (SHORT + 160 * number for number in range(3))
    for samples in (first, second, first, third, first):
        compute(speech_windows(1, samples))
    assert accelerator.captured == [(1, first), (1, second), (1, third)]
    compute(speech_windows(1, second))
    assert accelerator.captured[-1] == (1, second)


def test_a_batch_too_large_for_the_memory_lets_go_of_all_graphs_and_comes_in_halves(
    net: Network,
) -> None:
    accelerator = FakeAccelerator(net, room=4)
    compute = staged(accelerator)
    windows = speech_windows(7, SHORT)
    expected = computing(net, CPU)(windows)
    compute(windows[:1])
    assert difference(in_halves(compute, windows), expected).exact
    assert accelerator.forgotten == 1
    assert accelerator.captured == [(1, SHORT), (3, SHORT), (4, SHORT)]


def test_graphs_serve_where_they_give_the_same(net: Network) -> None:
    accelerator = FakeAccelerator(net)
    speech = speech_windows(3, SHORT)
    assert isinstance(graphed(accelerator, 32, computing(net, CPU), speech), Staged)
    assert accelerator.captured == [(3, SHORT)]


def test_graphs_that_differ_or_cannot_be_captured_are_not_used(
    net: Network, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = computing(net, CPU)
    speech = speech_windows(3, SHORT)
    other = load(write(tmp_path, config_of("base"), network(config_of("base"), seed=9)))
    assert graphed(FakeAccelerator(other), 32, plain, speech) is plain
    assert "CUDA graphs change scores by" in caplog.text
    assert graphed(FakeAccelerator(net, broken=True), 32, plain, speech) is plain
    assert "operation not permitted when stream is capturing" in caplog.text


def test_lack_of_memory_is_no_reason_to_do_without_graphs(net: Network) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        graphed(FakeAccelerator(net, room=0), 32, computing(net, CPU), speech_windows(1, SHORT))


def test_windows_too_short_are_refused_as_without_graphs(net: Network) -> None:
    short: Windows = np.zeros((1, 100), np.float32)
    with pytest.raises(RuntimeError, match="two are needed"):
        staged(FakeAccelerator(net))(short)
