"""The evaluate command with the model that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
import typer
from typer.testing import CliRunner

from earwitnessd.cli.evaluate import evaluate
from earwitnessd.demo.conversation import FOLDER, load_conversation
from earwitnessd.evaluation.turns import Turn, write_rttm
from tests.training.voices import RATE, utterance

DEV = Path(__file__).parents[3] / "shared/data/dev"
# An untrained network is at 0.5; the sample is small, so the bound is loose.
LARGEST_EER = 0.3

app = typer.Typer()
app.command()(evaluate)


def as_streams(folder: Path) -> Path:
    """The bundled conversation as a list of one recording; Carl has said too little to be enrolled."""
    conversation = load_conversation()
    turns = [Turn(turn.speaker or "stranger", turn.start_s, turn.stop_s) for turn in conversation.turns]
    write_rttm(folder / "talk.rttm", "talk", turns)
    people = [f"{each.speaker} {FOLDER / each.file}\n" for each in conversation.enrolments]
    soundfile.write(folder / "carl.wav", utterance(1, 1, 1.0), RATE)
    (folder / "enrolments.txt").write_text("".join([*people, "carl carl.wav\n"]))
    (folder / "streams.txt").write_text(f"{FOLDER / conversation.file} talk.rttm\n")
    return folder / "streams.txt"


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two corpora of synthesised voices; all trials of the second are targets."""
    root = tmp_path_factory.mktemp("corpora")
    for speaker in range(2):
        for number in range(2):
            path = root / f"buzz{speaker}/{number}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, utterance(speaker, number, 1.0), RATE)
    lines = ["1 buzz0/0.wav buzz0/1.wav", "0 buzz0/0.wav buzz1/1.wav", "1 buzz1/0.wav buzz1/1.wav"]
    (root / "trials.txt").write_text("\n".join(lines))
    return root / "trials.txt"


def test_json_holds_every_documented_key(trials: Path) -> None:
    code, output, _ = run(trials, "--root", trials.parent, "--json", "--threads", 1)
    assert code == 0
    report = json.loads(output)
    assert {"model", "trials", "eer", "min_dcf", "corpora", "seconds", "rtf"} <= set(report)
    assert {"targets", "fnmr", "thresholds", "min_cllr", "durations", "resampled"} <= set(report)
    assert report["calibration"] is not None
    assert report["cllr"] == pytest.approx(report["min_cllr"] + report["calibration_loss"])
    assert report["resampled"] == "speaker"  # folders and labels agree
    assert set(report["fnmr"]) == {"0.01", "0.001", "0.0001"}
    assert sum(part["trials"] for part in report["durations"].values()) == 3
    assert report["model"].startswith("earwitness-builtin")
    assert report["trials"] == 3
    assert set(report["min_dcf"]) == {"0.01", "0.05"}
    assert report["corpora"]["buzz0"]["trials"] == 2
    alone = report["corpora"]["buzz1"]  # no non-target there
    assert (alone["trials"], alone["targets"], alone["eer"], alone["min_dcf"]) == (1, 1, None, None)
    assert report["rtf"] > 0


def test_by_cosines_there_is_no_evidence_to_judge(trials: Path) -> None:
    code, output, _ = run(
        trials, "--root", trials.parent, "--json", "--threads", 1, "--set", "decision.method=cosine"
    )
    assert code == 0
    report = json.loads(output)
    assert [report[key] for key in ("calibration", "cllr", "act_dcf", "calibration_loss")] == [None] * 4
    assert report["min_cllr"] is not None


def test_a_table_names_the_model_and_each_corpus(trials: Path) -> None:
    code, output, _ = run(trials, "--root", trials.parent, "--threads", 1)
    assert code == 0
    for expected in ("earwitness-builtin", "pooled", "buzz0", "buzz1", "minDCF(0.01)"):
        assert expected in output


def test_a_missing_file_ends_with_its_line(trials: Path, tmp_path: Path) -> None:
    code, _, errors = run(trials, "--root", tmp_path)
    assert code == 1
    assert "trials.txt:1:" in errors
    assert "Traceback" not in errors


def test_a_model_that_does_not_exist_is_named(trials: Path) -> None:
    code, _, errors = run(trials, "--root", trials.parent, "--model", "no-such-model")
    assert code == 1
    assert "no-such-model" in errors


def test_without_anything_to_judge_it_says_what_it_expects(trials: Path) -> None:
    assert run() == (2, "", "earwitnessd evaluate: expected TRIALS with --root, or --streams, or both\n")
    code, _, errors = run(trials)
    assert code == 2
    assert "expected --root" in errors


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--report", "all.pdf"), "expected a name that ends in .html or .png"),
        (("--report", "nowhere/all.html"), "there is no folder nowhere"),
        (("--variant", "no colon"), "expected 'NAME: [FILE] KEY=VALUE ...'"),
        (("--variant", "a: decision.treshold=1"), "treshold"),
        (("--variant", "a:", "--variant", "a: model=builtin"), "a is there twice"),
        (("--enrolments", "nobody.txt"), "nobody.txt: cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said(options: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    code, _, errors = run("--streams", as_streams(tmp_path), *options)
    assert code == 1
    assert expected in errors


def test_two_ways_of_deciding_are_compared_on_recordings(tmp_path: Path) -> None:
    """Of synthetic voices, which are easy; the second way can verify nobody."""
    report = tmp_path / "all.html"
    code, output, errors = run(
        "--streams",
        as_streams(tmp_path),
        "--threads",
        1,
        "--json",
        "--report",
        report,
        "--variant",
        "card:",
        "--variant",
        "deaf: decision.method=cosine decision.verify_windows=100",
    )
    assert (code, errors) == (0, "")
    card, deaf = json.loads(output)["streams"].values()
    assert card["model"].startswith("earwitness-builtin")
    assert (card["turns"], card["missed_turns"], card["false_verifies"]) == (8, 0, 0)
    assert 0 < card["time_to_verify_s"]["median"] < 5
    assert (deaf["turns"], deaf["missed_turns"], deaf["time_to_verify_s"]) == (8, 8, None)
    assert list(card["not_enrolled"]) == ["carl"]
    drawn = report.read_text(encoding="utf-8")
    assert drawn.count("<svg") == 1
    for expected in ("card", "deaf", "missed turns", "false verifies an hour"):
        assert expected in drawn


@pytest.mark.skipif(not DEV.is_dir(), reason=f"real speech is not on this machine ({DEV})")
def test_the_built_in_model_tells_real_voices_apart(tmp_path: Path) -> None:
    lines = (DEV / "trials_short.txt").read_text().splitlines()[1:]
    (tmp_path / "some.txt").write_text("\n".join(lines[:: len(lines) // 120]))
    code, output, _ = run(tmp_path / "some.txt", "--root", DEV, "--json", "--set", "speech_gate.type=energy")
    assert code == 0
    assert json.loads(output)["eer"] < LARGEST_EER
