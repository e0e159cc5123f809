"""A real daemon: a person from consent to another machine, and gone; its logs tell no secret."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from earwitness.events import ProfileDeleted, ProfileEnrolled
from earwitnessd.demo.conversation import FOLDER, load_conversation

from .harness import Daemon

PASSPHRASE = "correct horse battery staple"


def enrolment() -> str:
    """One of the bundled voices, alone."""
    return str(FOLDER / load_conversation().enrolments[0].file)


def settings(tiny_model: str, recording: str) -> dict[str, Any]:
    return {"model": tiny_model, "streams": {"talk": {"source": "file", "path": recording, "paused": True}}}


def audit(daemon: Daemon) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (daemon.folder / "audit.jsonl").read_text().splitlines()]


def deletions(daemon: Daemon) -> list[dict[str, Any]]:
    return [line["told"] for line in audit(daemon) if line["type"] == "profile.deleted"]


def earwitness(daemon: Daemon, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from earwitness.cli import main; main()"]
    command += ["--events", daemon.events_endpoint, "--control", daemon.control_endpoint, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_a_person_from_consent_to_another_machine_and_gone(
    tiny_model: str, recording: str, tmp_path: Path
) -> None:
    here, there, parcel = tmp_path / "here", tmp_path / "there", tmp_path / "anna.ewp"
    here.mkdir()
    there.mkdir()
    strict = {**settings(tiny_model, recording), "templates": {"require_consent": True}}
    with Daemon(here, strict) as daemon:
        refused = earwitness(daemon, "enroll", "anna", "--file", enrolment())
        assert "no consent recorded" in " ".join(refused.stderr.split())
        done = earwitness(daemon, "enroll", "anna", "--file", enrolment(), "--consent", "form 12")
        if done.returncode:
            pytest.skip(f"the bundled conversation makes no template here: {done.stderr.strip()}")
        assert daemon.heartbeat(lambda beat: beat.profiles == 1)
        shown = json.loads(earwitness(daemon, "profiles", "show", "anna", "--json").stdout)
        assert shown["custody"]["consent"]["text"] == "form 12"
        assert f"uid {os.getuid()}" in shown["custody"]["consent"]["by"]
        exported = earwitness(
            daemon, "profiles", "export", "anna", "-o", str(parcel), stdin=PASSPHRASE + "\n"
        )
        assert exported.returncode == 0, exported.stderr
        assert stat.S_IMODE(parcel.stat().st_mode) == 0o600
        for _ in range(5):
            begun = daemon.control.begin_check("anna")
            daemon.control.end_check("anna", begun.attempt, "other")
        waits = earwitness(daemon, "check", "anna", "--within", "1s", "--json")
        assert json.loads(waits.stdout)["wait_s"] > 0
        first = daemon.control.profile("anna").custody
    with Daemon(here, strict) as daemon:
        assert daemon.control.profile("anna").custody.failed_checks == first.failed_checks == 5
        earwitness(daemon, "profiles", "delete", "anna", "--yes")
        assert daemon.wait_for(ProfileDeleted).reason == "asked"
        methods = [line["type"] for line in audit(daemon) if line["what"] == "control"]
        assert methods[:3] == ["enroll.audio", "enroll.audio", "profiles.export"]
        assert "refused" in next(line for line in audit(daemon) if line["type"] == "enroll.audio")
        whole = (here / "audit.jsonl").read_text() + daemon.log
        for secret in (PASSPHRASE, (here / "profiles.db.key").read_text().strip()):
            assert secret not in whole
        assert daemon.heartbeat(lambda beat: bool(beat.audit and beat.audit.written)).audit
    with Daemon(there, settings(tiny_model, recording)) as daemon:
        wrong = earwitness(daemon, "profiles", "import", str(parcel), stdin="something else entirely\n")
        assert "does not open" in wrong.stderr
        taken = earwitness(daemon, "profiles", "import", str(parcel), stdin=PASSPHRASE + "\n")
        assert taken.returncode == 0, taken.stderr
        assert daemon.wait_for(ProfileEnrolled).speaker == "anna"
        assert daemon.control.profile("anna").custody.consent is not None


@pytest.mark.slow
def test_whose_time_is_over_is_deleted_at_the_start(tiny_model: str, recording: str, tmp_path: Path) -> None:
    with Daemon(tmp_path, settings(tiny_model, recording)) as daemon:
        done = earwitness(daemon, "enroll", "anna", "--file", enrolment())
        if done.returncode:
            pytest.skip(f"the bundled conversation makes no template here: {done.stderr.strip()}")
        daemon.control.keep_profile("anna", keep_until="2020-01-01")
    with Daemon(tmp_path, settings(tiny_model, recording)) as daemon:
        assert daemon.heartbeat(lambda beat: beat.profiles == 0 and bool(deletions(daemon)))
        assert deletions(daemon) == [{"speaker": "anna", "reason": "keep_until"}]
