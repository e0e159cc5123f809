"""Audio that is known sample by sample: whoever heard it can be asked what was in it, and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from earwitnessd.demo.conversation import FOLDER, load_conversation
from earwitnessd.quality import level_dbfs

RATE = 16_000


class Known:
    """A recording that is played over and over, from its first sample on."""

    def __init__(self, file: Path, begin_s: float, length_s: float) -> None:
        conversation, rate = soundfile.read(FOLDER / load_conversation().file, dtype="int16")
        assert rate == RATE
        self._samples: npt.NDArray[np.int16] = conversation[
            round(begin_s * RATE) : round((begin_s + length_s) * RATE)
        ]
        self.path = str(file)
        soundfile.write(file, self._samples, RATE, subtype="PCM_16")

    def level_dbfs(self, position: int, length: int) -> float:
        """Of what is played from a position on."""
        played = np.take(self._samples, range(position, position + length), mode="wrap")
        return level_dbfs(played.astype(np.float32) / 32768.0)
