"""A whole daemon gets another model: the built-in one, then a small one that was imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earwitness.events import ModelSwitched, SpeakerVerified, WindowScored
from earwitnessd.cli import app
from earwitnessd.demo.conversation import FOLDER
from tests.daemon.harness import Daemon
from tests.daemon.test_life import replay
from tests.models import making


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With a small model that was imported as "small"."""
    environ = {"EARWITNESS_MODELS": str(tmp_path / "models"), "XDG_DATA_HOME": str(tmp_path)}
    making.write_model(tmp_path / "theirs")
    imported = CliRunner().invoke(
        app, ["model", "import", str(tmp_path / "theirs"), "--name", "small"], env={**os.environ, **environ}
    )
    assert imported.exit_code == 0, imported.output
    return environ


@pytest.mark.slow
def test_another_model_knows_whose_audio_was_kept_and_says_who_must_enrol_again(
    tmp_path: Path, environment: dict[str, str], recording: str
) -> None:
    keeping = {"model": "builtin", "enrolment": {"keep_audio": True}, "streams": {"desk": replay(recording)}}
    decided = {"decision": {"threshold": 0.0, "min_margin": 0.0}}
    with Daemon(tmp_path, keeping, environment=environment) as daemon:
        daemon.control.enroll_audio("anna", FOLDER / "enrol_anna.ogg")
        daemon.stop()
        daemon.write({**keeping, "enrolment": {"keep_audio": False}})
        daemon.start()
        daemon.control.enroll_audio("ben", FOLDER / "enrol_ben.ogg")
        daemon.stop()

        daemon.write({**keeping, **decided, "model": "small"})
        daemon.start()
        over = daemon.wait_for(ModelSwitched, lambda event: event.renewing == 0)
        assert over.model_id.startswith("small@")
        assert (over.renewed, over.must_enrol) == (1, ["ben"])
        beat = daemon.heartbeat(lambda beat: beat.profiles == 1)
        assert (beat.profiles_other_model, beat.profiles_renewing) == (1, 0)
        assert "1 must enrol again (another model)" in beat.status
        scored = daemon.wait_for(WindowScored, lambda event: bool(event.scores))
        assert [score.speaker for score in scored.scores] == ["anna"], "ben is compared with nobody"
        assert daemon.wait_for(SpeakerVerified).speaker == "anna"
        assert "must enrol again: ben" in daemon.log
        usable = {person.name: person.usable for person in daemon.control.profiles().profiles}
        assert usable == {"anna": 1, "ben": 0}
        daemon.stop()

        check = CliRunner().invoke(
            app, ["check", "--config", str(daemon.config)], env={**os.environ, **environment}
        )
        assert "ben: enrolled with another model" in check.output
        assert "the audio of 1 session is kept" in check.output

        daemon.write(keeping)
        daemon.start()
        assert daemon.heartbeat().profiles == 2, "the first model still has its templates of both"
