"""Machines are counted so that what they carry is what was asked for, and by what is full first."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitnessd.bench.machine import this_machine
from earwitnessd.sizing import figures as kept
from earwitnessd.sizing.figures import Batch, Figures, SizingError
from earwitnessd.sizing.planning import Wish, cluster, one_box
from earwitnessd.sizing.report import make_plan


def measured(*, window_ms: float = 5.0, hop_ms: float = 1.0) -> Figures:
    return Figures(
        machine=this_machine(),
        model="a",
        device="cpu",
        window_s=3.0,
        batches=[Batch(windows=1, ms=window_ms), Batch(windows=64, ms=64 * window_ms)],
        hop_ms=hop_ms,
        capture_ms=1.0,
        measured_hop_s=0.5,
        daemon_mb=200.0,
        stream_mb=3.0,
        capture_mb=40.0,
    )


def test_a_box_carries_as_many_streams_as_its_thread_has_time_for() -> None:
    box = one_box(Wish(streams=200), measured())
    most = 500.0 / 6.0  # 5 ms of model and 1 ms of everything else, each 500 ms
    assert 0.9 * most < box.streams <= most
    assert box.machines == -(-200 // box.streams)
    assert box.limit.startswith("the model")
    assert box.p99_ms <= 500.0
    assert box.memory_mb == pytest.approx(200.0 + box.streams * 43.0)
    assert box.satellite_mbit_s == pytest.approx(box.streams * 0.256)


def test_a_fast_model_leaves_the_daemon_as_the_limit() -> None:
    box = one_box(Wish(streams=10), measured(window_ms=0.02, hop_ms=2.0))
    assert box.limit.startswith("the daemon's own work")
    assert 200 < box.streams <= 250


def test_silence_makes_room_for_more_streams() -> None:
    talking, rare = (one_box(Wish(streams=1, speech=speech), measured()) for speech in (1.0, 0.2))
    assert rare.streams > 1.5 * talking.streams


def test_a_shorter_wait_means_fewer_streams() -> None:
    patient, hasty = (one_box(Wish(streams=1, max_wait_ms=wait), measured()) for wait in (500.0, 20.0))
    assert 0 < hasty.streams < patient.streams


def test_a_model_that_is_too_slow_for_one_stream_is_told() -> None:
    plan = make_plan(Wish(streams=3), measured(window_ms=900.0), None)
    assert (plan.boxes.streams, plan.boxes.machines) == (0, 0)
    assert any("a smaller model" in note for note in plan.notes)


def test_a_cluster_is_counted_by_threads_and_windows() -> None:
    made = cluster(Wish(streams=100_000, speech=0.5), measured(hop_ms=2.0), measured(window_ms=0.1))
    assert made.streams_per_daemon == 142  # 70 % of a thread, which waits 0.9 ms a window for its embedding
    assert made.daemons == 705
    assert made.gates == 115
    assert made.windows_per_s == 100_000.0
    assert made.replicas == 15  # 10,000 windows a second each, at 70 %
    assert made.gbit_s == pytest.approx(100_000 * 96_000 * 8 / 1e9)


def test_a_shorter_hop_is_planned_with_as_much_work_a_hop() -> None:
    half, quarter = (cluster(Wish(streams=1, hop_s=hop), measured(), measured()) for hop in (0.5, 0.25))
    assert quarter.streams_per_daemon == half.streams_per_daemon // 2


def test_figures_are_kept_and_read_again(tmp_path: Path) -> None:
    figures = measured()
    kept.save(figures, tmp_path / "figures.json")
    assert kept.load(tmp_path / "figures.json") == figures


@pytest.mark.parametrize("text", ["", "[]", '{"machine": 3}', "not json"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "figures.json").write_text(text, encoding="utf-8")
    with pytest.raises(SizingError, match="earwitnessd plan --save"):
        kept.load(tmp_path / "figures.json")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SizingError, match="No such file"):
        kept.load(tmp_path / "figures.json")
