"""A teacher that hears each step's crops and says what their embeddings shall be."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from earwitnessd.training.errors import TrainingError
from earwitnessd.training.pool import RATE


class Teacher:
    """A TorchScript network from waves (count, samples) at 16 kHz to embeddings (count, dimensions).

    It hears the very crop, speed and channel that the student hears: what it says of a whole clip or of
    clean audio a student can only learn by heart.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        try:
            with warnings.catch_warnings():
                # torch calls TorchScript deprecated; what follows it cannot yet hold a recurrent teacher.
                warnings.simplefilter("ignore", DeprecationWarning)
                load: Any = torch.jit.load
                self._network = load(path, map_location=device).eval()
            self._device = device
            self.dimensions = int(self._embed(np.zeros((1, 2 * RATE), np.float32)).shape[1])
        except (RuntimeError, ValueError, IndexError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise TrainingError(
                f"{path}: {reason}; expected a TorchScript file that embeds waves, such as "
                "tests/benchmarks/export_resemblyzer.py writes"
            ) from None
        self._centre = torch.zeros(self.dimensions, device=device)

    def find_centre(self, batches: Iterable[NDArray[np.float32]]) -> None:
        """Teachers' embeddings often share a large part, beside which all voices look alike."""
        self._centre = torch.cat([self._embed(waves) for waves in batches]).mean(0)

    def targets(self, waves: NDArray[np.float32]) -> Tensor:
        """Unit-norm embeddings about the centre."""
        return functional.normalize(self._embed(waves) - self._centre)

    def _embed(self, waves: NDArray[np.float32]) -> Tensor:
        with torch.inference_mode():
            vectors = self._network(torch.from_numpy(waves).to(self._device)).float()
        return functional.normalize(vectors)
