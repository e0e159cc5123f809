"""The simulate command on synthesised speakers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
import typer
from typer.testing import CliRunner

from earwitnessd.cli.simulate import simulate
from earwitnessd.evaluation.streams import load_enrolments, load_recordings
from tests.voices import room, talking

app = typer.Typer()
app.command()(simulate)
RATE = 16_000


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def speakers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four folders, 30 s each; the third's files are at another rate."""
    root = tmp_path_factory.mktemp("speakers")
    for number, pitch_hz in enumerate((250.0, 600.0, 850.0, 1450.0)):
        for part in range(2):
            path = root / f"voice {number}" / f"{part}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, talking(pitch_hz, 15.0, seed=part), RATE if number != 2 else 24_000)
    return root


def made(speakers: Path, output: Path, *more: object) -> tuple[int, str, str]:
    plain = ("--recordings", 2, "--minutes", 0.5, "--voices", 3, "--enrolled", 2, "--enrolment-s", 6)
    return run(speakers, "-o", output, *plain, "--gate", "energy", *more)


def test_everything_that_evaluate_needs_is_written(speakers: Path, tmp_path: Path) -> None:
    code, output, errors = made(speakers, tmp_path / "set")
    assert (code, errors) == (0, "")
    assert f"earwitnessd evaluate --streams {tmp_path / 'set' / 'streams.txt'}" in output
    recordings = load_recordings(tmp_path / "set" / "streams.txt")
    enrolments = load_enrolments(tmp_path / "set" / "enrolments.txt")
    assert len(recordings) == 2
    assert len({enrolment.speaker for enrolment in enrolments}) == 2
    for recording in recordings:
        about = soundfile.info(recording.audio)
        assert (about.samplerate, about.channels, about.frames) == (RATE, 1, 30 * RATE)
        assert recording.turns[-1].stop_s <= 30.0
        assert all(turn.speaker.startswith("voice_") for turn in recording.turns)
    for enrolment in enrolments:
        assert soundfile.info(enrolment.audio).duration == 6.0
    described = json.loads((tmp_path / "set" / "simulation.json").read_text())
    assert described["seed"] == 1
    assert [each["turns"] for each in described["recordings"]] == [len(each.turns) for each in recordings]


def test_a_recording_depends_on_the_seed_and_its_number_alone(speakers: Path, tmp_path: Path) -> None:
    for name, more in (("one", ()), ("more", ("--recordings", 3)), ("other", ("--seed", 2))):
        assert made(speakers, tmp_path / name, "--format", "wav", *more)[0] == 0
    first, again, other = (
        (tmp_path / name / "recordings" / "conversation02.wav").read_bytes()
        for name in ("one", "more", "other")
    )
    assert first == again
    assert first != other


def test_noise_and_rooms_are_taken_from_a_folder(speakers: Path, tmp_path: Path) -> None:
    for name in ("noise/hum.wav", "noise/rir_small/one.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, talking(3000.0, 2.0), RATE)
    more = ("--noise", tmp_path / "noise", "--reverberant", 1, "--snr-db", 5, 6)
    assert made(speakers, tmp_path / "set", *more)[0] == 0
    described = json.loads((tmp_path / "set" / "simulation.json").read_text())
    assert all(each["reverberant"] and 5 <= each["snr_db"] <= 6 for each in described["recordings"])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("--enrolled", 9), "4 speakers with 16 s of speech; expected at least 9"),
        (("--enrolment-s", 200), "0 speakers with 210 s of speech; expected at least"),
        (("--noise", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_made_is_said(
    more: tuple[object, ...], expected: str, speakers: Path, tmp_path: Path
) -> None:
    code, _, errors = made(speakers, tmp_path / "set", *more)
    assert code == 1
    assert expected in errors
    assert "Traceback" not in errors


def test_speakers_who_hardly_speak_are_passed_over(speakers: Path, tmp_path: Path) -> None:
    (tmp_path / "voices" / "quiet").mkdir(parents=True)
    soundfile.write(tmp_path / "voices" / "quiet" / "0.wav", room(40.0), RATE)
    one = ("--voices", 1, "--enrolled", 1)
    code, _, errors = made(tmp_path / "voices", tmp_path / "set", *one)
    assert code == 1
    assert "0 speakers with 16 s of speech; expected at least 1" in errors
    for folder in speakers.iterdir():
        (tmp_path / "voices" / folder.name).symlink_to(folder)
    code, _, errors = made(tmp_path / "voices", tmp_path / "set", "--voices", 4, "--enrolled", 2)
    assert (code, errors) == (0, "")
    spoken = json.loads((tmp_path / "set" / "simulation.json").read_text())["recordings"][0]["speakers"]
    assert "quiet" not in spoken


def test_a_folder_with_something_in_it_is_left_alone(speakers: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    code, _, errors = made(speakers, tmp_path)
    assert code == 1
    assert "is not empty" in errors
