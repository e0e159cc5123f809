"""Audio that is none: no window of it decides anything, nobody is verified in it, what follows is heard."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from earwitness.events import Event, SpeakerVerified, StreamLost, WindowScored
from earwitnessd.demo.conversation import FOLDER
from tests.daemon.harness import Daemon
from tests.voices import room

from .patient import RATE
from .prices import Price

BAD_S = 6.0
GOOD_S = 9.0
Samples = npt.NDArray[np.float32]


def anna() -> Samples:
    """Nine seconds of the bundled recording that she is enrolled from."""
    samples, rate = soundfile.read(FOLDER / "enrol_anna.ogg", dtype="float32", frames=round(GOOD_S * RATE))
    assert rate == RATE
    return np.asarray(samples, dtype=np.float32)


def badly(good: Samples) -> dict[str, Samples]:
    """Six seconds each."""
    count = round(BAD_S * RATE)
    voice = good[:count]
    holes = voice.copy()
    holes[:: RATE // 100] = np.nan
    infinite = voice.copy()
    infinite[1000::2000] = np.inf
    infinite[2000::2000] = -np.inf
    return {
        "NaN": np.full(count, np.nan, dtype=np.float32),
        "a voice with NaN in it": holes,
        "a voice with infinities in it": infinite,
        "absurdly loud": np.full(count, 1e30, dtype=np.float32),
        "DC": np.full(count, 0.5, dtype=np.float32),
        "clipped": np.clip(50.0 * voice, -1.0, 1.0).astype(np.float32),
        "exact zeros": np.zeros(count, dtype=np.float32),
    }


@pytest.mark.slow
def test_bad_audio_decides_nothing_and_what_follows_is_heard(tmp_path: Path, price: Price) -> None:
    good, quiet = anna(), room(2.0)
    parts, spans, position = [good], {}, len(good)
    for name, bad in badly(good).items():
        spans[name] = (position, position + len(bad))
        parts += [bad, quiet, good]
        position += len(bad) + len(quiet) + len(good)
    file = tmp_path / "bad.wav"
    soundfile.write(file, np.concatenate(parts), RATE, subtype="FLOAT")
    stream = {"source": "file", "path": str(file), "pace": "fast", "paused": True}
    with Daemon(tmp_path, {"streams": {"desk": stream}}) as daemon:
        daemon.control.enroll_audio("anna", FOLDER / "enrol_anna.ogg")
        began_s = time.monotonic()
        daemon.control.resume("desk")
        events = daemon.collect_until(StreamLost, within_s=60.0)
        assert "Traceback" not in daemon.log
        beat = daemon.heartbeat(lambda beat: beat.streams[0].state == "ended")
        took_s = time.monotonic() - began_s
    assert events[-1].stop == position  # type: ignore[attr-defined]  # the last is a StreamLost
    assert took_s < 30.0
    for name, (start, stop) in spans.items():
        inside = [each for each in windows(events) if each.start >= start and each.stop <= stop]
        assert len(inside) > 3
        assert all(each.inconclusive for each in inside), name
        assert not [each for each in verdicts(events) if start + 3 * RATE < each.stop <= stop], name
        after = [each.stop for each in verdicts(events) if each.stop > stop + RATE]
        reasons = sorted({reason for each in inside for reason in each.inconclusive})
        back_s = (after[0] - stop) / RATE - len(quiet) / RATE
        assert back_s < 6.0, name
        price(
            f"{BAD_S:g} s of {name}",
            lost="its windows",
            back_s=max(0.0, back_s),
            so=f"says {', '.join(reasons)}",
        )
    assert beat.streams[0].unusable_samples > BAD_S * RATE


def windows(events: list[Event]) -> list[WindowScored]:
    return [event for event in events if isinstance(event, WindowScored)]


def verdicts(events: list[Event]) -> list[SpeakerVerified]:
    return [event for event in events if isinstance(event, SpeakerVerified)]
