"""A whole daemon with a second model that hears whether two people speak at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from earwitness.events import SpeakerVerified, WindowScored
from earwitnessd.demo.conversation import FOLDER
from tests.daemon.harness import Daemon
from tests.daemon.test_life import replay
from tests.families.test_references import transformers_frames
from tests.models import making

SURE, NEVER = 50.0, -50.0  # log odds


@pytest.fixture(scope="module")
def listening_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frame-wise activity of two speakers, with random weights."""
    directory = tmp_path_factory.mktemp("overlap") / "sd"
    transformers_frames(directory, weighted=True)
    return directory


def hears(model: Path, odds: tuple[float, float], to: Path) -> str:
    """The same model, but its head says these of every frame, whatever it hears."""
    to.mkdir()
    for part in ("config.json", "preprocessor_config.json"):
        (to / part).write_text((model / part).read_text())
    weights = load_file(model / "model.safetensors")
    weights["classifier.weight"] = torch.zeros_like(weights["classifier.weight"])
    weights["classifier.bias"] = torch.tensor(odds)
    save_file(weights, to / "model.safetensors", metadata={"format": "pt"})
    (to / "earwitness.json").write_text(json.dumps({"name": to.name}))
    return str(to)


@pytest.mark.parametrize(
    ("odds", "share", "inconclusive"),
    [((SURE, SURE), 1.0, True), pytest.param((SURE, NEVER), 0.0, False, marks=pytest.mark.slow)],
)
def test_the_daemon_says_how_much_of_a_window_two_people_speak_in_and_decides_by_it(
    tmp_path: Path,
    listening_model: Path,
    recording: str,
    odds: tuple[float, float],
    share: float,
    inconclusive: bool,
) -> None:
    settings = {
        "model": str(making.write_model(tmp_path / "tiny")),
        "overlap": {"model": hears(listening_model, odds, tmp_path / "hears")},
        "decision": {"threshold": 0.0, "min_margin": 0.0},
        "streams": {"desk": replay(recording)},
    }
    with Daemon(tmp_path, {**settings, "overlap": {}}) as daemon:
        daemon.control.enroll_audio("anna", FOLDER / "enrol_anna.ogg")
        daemon.stop()
        daemon.write(settings)
        daemon.start()
        window = daemon.wait_for(WindowScored, lambda event: bool(event.scores))
        assert window.overlap == share
        assert ("overlap" in window.inconclusive) == inconclusive
        if not inconclusive:
            assert daemon.wait_for(SpeakerVerified).speaker == "anna"
