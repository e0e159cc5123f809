"""Choose the speakers, clips and crops of one step, from nothing but the seed and the step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from earwitnessd.training.pool import RATE, Pool
from earwitnessd.training.settings import DataSettings


@dataclass(frozen=True, eq=False)
class Crops:
    """The clean crops of one step."""

    waves: NDArray[np.float32]
    # (crops, samples)
    label: NDArray[np.int64]
    # class for the margin softmax: a speaker at a speed


class CropSampler:
    """Draws steps of speakers x crops; holds no state, so a resumed run draws the same."""

    def __init__(
        self, pool: Pool, settings: DataSettings, speakers_a_step: int, crops_a_speaker: int
    ) -> None:
        self.pool = pool
        self.speeds = [float(speed) for speed in settings.speeds]
        shares = np.array(list(settings.speeds.values()))
        self._speed_shares = shares / shares.sum()
        self._crop_s = settings.crop_s
        self._speakers_a_step = min(speakers_a_step, len(pool.speakers))
        self._crops_a_speaker = crops_a_speaker
        self._clips = pool.clips_by_speaker()
        # The square root lets long-recorded speakers speak more often without drowning the many short ones.
        seconds = np.array([pool.length[clips].sum() for clips in self._clips], dtype=np.float64)
        self._speaker_shares = np.sqrt(seconds) / np.sqrt(seconds).sum()

    @property
    def classes(self) -> int:
        """How many labels there are."""
        return len(self.pool.speakers) * len(self.speeds)

    def draw(self, random: np.random.Generator) -> Crops:
        """The crops of one step."""
        samples = int(random.uniform(*self._crop_s) * RATE)
        speakers = random.choice(
            len(self._clips), self._speakers_a_step, replace=False, p=self._speaker_shares
        )
        waves, labels = [], []
        for speaker in speakers:
            speed = int(random.choice(len(self.speeds), p=self._speed_shares))
            clips = self._clips[speaker]
            different = len(clips) >= self._crops_a_speaker
            for clip in random.choice(clips, self._crops_a_speaker, replace=not different):
                waves.append(self._crop(int(clip), self.speeds[speed], samples, random))
                labels.append(speed * len(self._clips) + speaker)
        return Crops(np.stack(waves), np.array(labels))

    def _crop(
        self, clip: int, speed: float, samples: int, random: np.random.Generator
    ) -> NDArray[np.float32]:
        wanted = int(np.ceil(samples * speed)) + 1
        start, length = int(self.pool.start[clip]), int(self.pool.length[clip])
        offset = int(random.integers(0, max(1, length - wanted + 1)))
        wave = (
            self.pool.samples[start + offset : start + min(length, offset + wanted)].astype(np.float32)
            / 32768
        )
        if speed != 1.0:
            wave = soxr.resample(wave, RATE * speed, RATE, "LQ")
        # A clip that is too short is repeated: silence would teach the network to hear the end.
        return np.resize(wave, samples)
