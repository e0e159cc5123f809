from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import soundfile

from earwitness.events import SpeakerUnknown, SpeakerVerified, StreamLost
from earwitnessd.demo.conversation import FOLDER, load_conversation
from tests.daemon.harness import Daemon


def test_the_seconds_around_each_new_verdict_are_kept_when_asked_for(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    directory = tmp_path / "evidence"
    settings = {
        "model": tiny_model,
        "evidence": {"keep": True, "directory": str(directory)},
        "streams": {"talk": {"source": "file", "path": recording, "pace": "fast", "paused": True}},
    }
    with Daemon(tmp_path, settings) as daemon:
        for enrolment in load_conversation().enrolments:
            daemon.control.enroll_audio(enrolment.speaker, FOLDER / enrolment.file)
        daemon.control.resume("talk")
        events = daemon.collect_until(StreamLost, within_s=60)
        verdicts = [event for event in events if isinstance(event, SpeakerVerified | SpeakerUnknown)]
        daemon.stop()
    kept = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(directory.glob("*.json"))]
    by_seq = {event.seq: event for event in verdicts}
    assert len(verdicts) > len(kept) > 1  # not when a verdict is only said again
    heard, _ = soundfile.read(recording, dtype="float32")
    for each in kept:
        verdict = by_seq[each["event"]["seq"]]
        audio = each["audio"]
        assert (each["event"]["stop"], each["event"]["boot"]) == (verdict.stop, verdict.boot)
        assert audio["start"] == max(0, verdict.start - 48_000)
        assert audio["stop"] == min(len(heard), verdict.stop + 32_000)
        samples, _ = soundfile.read(directory / audio["file"], dtype="float32")
        np.testing.assert_allclose(samples, heard[audio["start"] : audio["stop"]], atol=1 / (1 << 15))
    assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o600}


def test_a_folder_for_evidence_that_others_may_read_is_refused(tmp_path: Path, tiny_model: str) -> None:
    (tmp_path / "public").mkdir(mode=0o755)
    settings = {"model": tiny_model, "evidence": {"keep": True, "directory": str(tmp_path / "public")}}
    daemon = Daemon(tmp_path, settings)
    daemon.launch()
    assert daemon.process.wait(60) == 3
    daemon.discard()
    assert "others may look into it (mode 755)" in daemon.log
