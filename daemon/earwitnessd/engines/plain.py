"""A network as its makers ran it: one recording at a time, whole, and nothing done to what comes out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.devices import pick_device
from earwitnessd.engines.errors import EmbedError
from earwitnessd.engines.torch_wavlm import normalised
from earwitnessd.models import Model

Wave = npt.NDArray[np.float32]


class PlainNetwork:
    """A model in float32 on one device; belongs to one thread."""

    def __init__(self, model: Model, device: str = "cpu") -> None:
        self._model = model
        self._device = pick_device(device)
        self._network = load(model.directory).to(self._device)

    def vector(self, wave: Wave) -> npt.NDArray[np.float32]:
        """What the head makes of a recording: an embedding of any length, or log odds frame by frame."""
        with torch.inference_mode():
            found: npt.NDArray[np.float32] = self._computed(self._network, wave)
        return found

    def frames(self, wave: Wave) -> npt.NDArray[np.float32]:
        """(frames, hidden): what the head is given."""
        with torch.inference_mode():
            found: npt.NDArray[np.float32] = self._computed(self._network.hear, wave)
        return found

    def _computed(self, part: Callable[[torch.Tensor], torch.Tensor], wave: Wave) -> npt.NDArray[np.float32]:
        prepared = np.array(wave[np.newaxis], np.float32)
        if self._model.normalise:
            prepared = normalised(prepared, self._model.normalise_epsilon)
        try:
            computed = part(torch.from_numpy(prepared).to(self._device))
        except RuntimeError as error:
            raise EmbedError(f"{self._model.name} cannot hear this: {error}") from error
        found: npt.NDArray[np.float32] = computed[0].float().cpu().numpy()
        return found
