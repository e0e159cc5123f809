from __future__ import annotations

import subprocess
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile

from earwitness.events import (
    SpeakerLost,
    SpeakerVerified,
    StreamLost,
    StreamOpened,
    WindowScored,
)
from earwitnessd.demo.conversation import FOLDER, load_conversation
from earwitnessd.demo.verdicts import judge
from tests.daemon.harness import Daemon


def test_a_recording_gives_the_right_speakers_in_order(tmp_path: Path) -> None:
    conversation = load_conversation()
    stream = {
        "source": "file",
        "path": str(FOLDER / conversation.file),
        "pace": "fast",
        "paused": True,
    }
    with Daemon(tmp_path, {"streams": {"talk": stream}}) as daemon:
        for enrolment in conversation.enrolments:
            daemon.control.enroll_audio(enrolment.speaker, FOLDER / enrolment.file)
        daemon.control.resume("talk")
        events = daemon.collect_until(StreamLost, within_s=60)
    verdicts = judge(conversation.turns, events)
    assert [verdict.heard for verdict in verdicts] == [verdict.expected for verdict in verdicts]
    assert not any(verdict.false_accept for verdict in verdicts)
    names = [event.speaker for event in events if isinstance(event, SpeakerVerified)]
    assert [name for name, _ in groupby(names)] == ["anna", "ben"] * 4
    live = [event for event in events if not event.replayed]
    assert [event.seq for event in live] == list(range(live[0].seq, live[0].seq + len(live)))
    windows = [event for event in events if isinstance(event, WindowScored)]
    assert [event.start for event in windows] == [8000 * hop for hop in range(len(windows))]
    assert isinstance(
        [event for event in events if isinstance(event, SpeakerLost | StreamLost)][-1], StreamLost
    )


def test_raw_pcm_on_standard_input_is_a_source(tmp_path: Path, tiny_model: str, recording: str) -> None:
    samples, rate = soundfile.read(recording, dtype="int16", frames=5 * 16_000)
    pcm = np.repeat(samples[:, None], 2, axis=1).tobytes()  # stereo
    settings = {
        "model": tiny_model,
        "streams": {"line": {"source": "pipe", "rate": rate, "channels": 2, "channel": 1}},
    }
    with Daemon(tmp_path, settings, stdin=subprocess.PIPE) as daemon:
        assert daemon.process.stdin is not None
        daemon.process.stdin.write(pcm)
        daemon.process.stdin.close()
        opened = daemon.wait_for(StreamOpened)
        assert (opened.native_rate, opened.native_channels) == (16_000, 2)
        window = daemon.wait_for(WindowScored, lambda event: event.speech_s > 1.0)
        assert window.stream == "line"
        lost = daemon.wait_for(StreamLost)
        assert lost.final
        assert lost.stop == len(samples)


def test_every_window_a_gap_touches_is_inconclusive_and_says_so(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    settings = {
        "model": tiny_model,
        "streams": {"talk": {"source": "file", "path": recording, "pace": "fast"}},
    }
    with Daemon(tmp_path, settings) as daemon:
        events = daemon.collect_until(StreamLost, within_s=60)
    windows = [event for event in events if isinstance(event, WindowScored)]
    # Nobody is enrolled: nothing is embedded, and every window says why it decided nothing.
    assert all(event.inconclusive and not event.scores for event in windows)
    assert {"no_profiles", "too_little_speech"} >= {each for event in windows for each in event.inconclusive}
