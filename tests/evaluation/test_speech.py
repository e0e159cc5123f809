"""Net speech and SNR of test recordings, by the daemon's gate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from earwitnessd.evaluation.audio import RATE
from earwitnessd.evaluation.speech import hear_crops, quality_of
from earwitnessd.evaluation.trials import Crop, Trial
from earwitnessd.settings.speech_gate import SpeechGateSettings
from tests.voices import ANNA_HZ, room, talking

ENERGY = SpeechGateSettings(type="energy")


def test_only_speech_within_the_crop_counts(tmp_path: Path) -> None:
    # 4 s of a quiet room, 10 s with syllables of 0.35 s each half second, 4 s of the room again
    wave = np.concatenate([room(4.0), talking(ANNA_HZ, 10.0), room(4.0)])
    soundfile.write(tmp_path / "a.wav", wave, RATE)
    crops = [Crop("a.wav"), Crop("a.wav", 6.0, 4.0), Crop("a.wav", 15.0, 3.0)]
    trials = [Trial(True, Crop("missing.wav"), crop, line) for line, crop in enumerate(crops, start=1)]
    ticks: list[tuple[int, int]] = []
    heard = hear_crops(set(crops), trials, tmp_path, Path("list"), ENERGY, lambda *done: ticks.append(done))
    quality = quality_of(trials, heard)
    assert quality.speech_s == pytest.approx([7.0, 2.8, 0.0], abs=0.8)
    assert quality.snr_db[0] > 20
    assert np.isnan(quality.snr_db[2])
    assert np.isnan(quality.enrolled_s).all()
    assert ticks[-1] == (3, 3)
