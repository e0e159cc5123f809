"""`earwitnessd bench` as people call it, with real daemons and real engines, for a moment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from earwitnessd.bench import memory, pipeline, speech
from earwitnessd.bench.peer import write_random
from earwitnessd.bench.station import Setup
from earwitnessd.cli import app
from earwitnessd.settings.root import Windows

SMALL: dict[str, object] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [32, 32],
    "conv_kernel": [40, 8],
    "conv_stride": [20, 8],
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "tdnn_dim": [32, 64],
    "tdnn_kernel": [3, 1],
    "tdnn_dilation": [1, 1],
    "xvector_output_dim": 16,
    "use_weighted_layer_sum": True,
}
WITHOUT = "import sys; sys.modules[{0!r}] = None; from earwitnessd.cli import main; main()"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of few weights, none of them zero."""
    folder = tmp_path_factory.mktemp("models") / "small"
    folder.mkdir()
    write_random(folder, SMALL)
    settings = {"do_normalize": True, "sampling_rate": 16_000}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "earwitness.json").write_text('{"threshold": 0.5}', encoding="utf-8")
    return folder


def run(*arguments: str) -> Any:
    """What `--json` prints."""
    result = CliRunner().invoke(app, ["bench", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_engines_are_measured_against_transformers(small: Path, tmp_path: Path) -> None:
    plot = tmp_path / "engine.png"
    report = run(
        *("engine", "--model", str(small), "--batch", "1,3", "--window-s", "1", "--threads", "1"),
        *("--device", "cpu", "--seconds", "0", "--plot", str(plot)),
    )
    rows = report["rows"]
    peers = [row for row in rows if row["engine"].startswith("transformers")]
    ours = [row for row in rows if row["engine"].startswith("earwitness")]
    assert [row["batch"] for row in peers] == [1, 3]
    assert all(row["ratio"] == 1.0 and row["max_rel_error"] == 0.0 for row in peers)
    assert {row["batch"] for row in ours} == {1, 3}
    wanted = {"engine", "device", "threads", "batch", "window_s", "ms", "ratio", "max_rel_error"}
    assert all(wanted | {"one_minus_cos"} <= row.keys() for row in rows)
    assert {row["engine"] for row in ours}.isdisjoint(each["engine"] for each in report["refused"])
    exact = [row for row in ours if "float32" in row["engine"]]
    assert exact
    assert all(0.0 < row["max_rel_error"] < 5e-6 and row["one_minus_cos"] < 1e-11 for row in exact)
    assert all(row["ratio"] * row["ms"] > 0.0 for row in rows)
    assert report["peer"].startswith("transformers ")
    assert report["machine"]["packages"]["torch"]
    assert plot.stat().st_size > 10_000


@pytest.mark.slow
def test_the_pipeline_is_measured_from_capture_to_subscriber(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "SETTLING_S", 0.2)
    plot = tmp_path / "pipeline.png"
    report = run(
        *("pipeline", "--model", str(small), "--streams", "2", "--no-search", "--window-s", "1"),
        *("--seconds", "2", "--plot", str(plot)),
    )
    (row,) = report["rows"]
    assert row["streams"] == 2
    assert row["windows"] >= 2
    assert 0.0 < row["p50_ms"] <= row["p99_ms"] <= row["most_ms"]
    assert [cost["gate"] for cost in report["overhead"]] == ["silero", "energy"]
    for cost in report["overhead"]:
        assert cost["daemon_ms"] > 0.0
        assert cost["path_p50_ms"] > 0.0
        assert cost["busy_windows_per_s"] > 8.0
    assert plot.exists()


@pytest.mark.slow
def test_memory_is_watched(small: Path) -> None:
    setup = Setup(
        model=str(small),
        recordings=speech.recordings(None, pauses=False),
        streams=2,
        windows=Windows(length_s=1.0),
    )
    seen: list[float] = []
    report = memory.measure(setup, 0.1, seen.append, sample_s=0.125)
    assert len(report.rows) == len(seen) > 40
    assert all(row.daemon_mb > 50.0 for row in report.rows)
    assert report.rows[-1].captures_mb > 20.0
    assert report.windows > 0
    assert report.verdict in {"flat", "grows", "undecided"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["engine", "--batch", "1,x"], "--batch 1,x: expected numbers with commas"),
        (["engine", "--threads", "0"], "--threads 0: must be above 0"),
        (["engine", "--model", "random-tiny"], "expected one of random-base, random-large"),
        (["engine", "--model", "nobody/nothing"], "is not on this machine"),
        (["memory", "--minutes", "1"], "a trend needs at least 3.7"),
        (["pipeline", "--speech", "/no/such/file"], "there is no such file or folder"),
        (["memory", "--plot", "/no/such/folder/a.png"], "there is no folder /no/such/folder"),
    ],
)
def test_what_cannot_be_measured_is_said_at_once(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert result.exit_code == 3
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("package", "arguments", "message"),
    [
        ("transformers", ["engine"], "the peer is transformers: pip install 'earwitness[bench]'"),
        ("matplotlib", ["engine", "--plot", "a.png"], "with matplotlib: pip install 'earwitness[bench]'"),
    ],
)
def test_a_package_that_is_missing_is_told_with_its_extra(
    package: str, arguments: list[str], message: str
) -> None:
    command = [sys.executable, "-c", WITHOUT.format(package), "bench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("missing", ["transformers", "matplotlib"])
def test_what_a_daemon_needs_is_measured_and_shown_without_the_extra(missing: str) -> None:
    modules = ("tables", "pipeline", "memory")
    imports = "; ".join(f"import earwitnessd.bench.{module}" for module in modules)
    program = f"import sys; sys.modules[{missing!r}] = None; {imports}"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
