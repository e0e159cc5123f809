"""How long two people speak at once in a window, told by a model of frame-wise speaker activity."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from earwitnessd.engines import Compute, EmbedError, Shares, Windows
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.devices import described, pick_device
from earwitnessd.engines.network import Network
from earwitnessd.engines.packing import pack
from earwitnessd.engines.returning import TROUBLE
from earwitnessd.engines.torch_wavlm import in_halves, normalised
from earwitnessd.models import Model
from earwitnessd.models.families import Family

log = logging.getLogger(__name__)


class Overlapping(nn.Module):
    """A network's log odds as the share of frames in which at least two speakers are likely."""

    def __init__(self, network: Network, least_probability: float) -> None:
        super().__init__()
        self.network = network
        self.least_probability = least_probability

    def forward(self, waves: Tensor) -> Tensor:
        """(batch, samples) to (batch,)."""
        speaking = self.network(waves).float().sigmoid() >= self.least_probability
        shares: Tensor = (speaking.sum(-1) > 1).float().mean(-1)
        return shares


class UntilLost:
    """Computes on a GPU until it fails, and on the CPU from then on."""

    def __init__(self, device: str, compute: Compute, open_cpu: Callable[[], Compute]) -> None:
        self._device, self._compute, self._open_cpu = device, compute, open_cpu
        self._lost = False

    def __call__(self, prepared: Windows) -> Shares:
        """No window is lost with the GPU."""
        if self._lost:
            return self._compute(prepared)
        try:
            return in_halves(self._compute, prepared)
        except TROUBLE as error:
            why = str(error).partition("\n")[0]
        # outside the handler, whose traceback holds what is to be released
        log.error("overlap.model: %s is lost (%s): the CPU computes from now on", self._device, why)
        self._compute, self._lost = self._open_cpu(), True
        return self._compute(prepared)


class FrameActivity:
    """A model of frame-wise activity on one device; belongs to the engine thread."""

    def __init__(self, model: Model, device: str, least_probability: float) -> None:
        if model.family is not Family.FRAMES:
            raise EmbedError(
                f"overlap.model = {model.name}: it is {model.family.says}; expected a model of frame-wise "
                "speaker activity, such as microsoft/wavlm-base-plus-sd"
            )
        self._model, self._least_probability = model, least_probability
        chosen = pick_device(device)
        compute = self._opened(chosen)
        lasting = chosen.type == "cpu"
        self._compute = compute if lasting else UntilLost(described(chosen), compute, self._on_cpu)

    def shares(self, windows: Windows) -> Shares:
        """Of each window's frames, how many hold two voices: 0 to 1."""
        prepared = np.array(windows, np.float32, order="C")
        if self._model.normalise:
            prepared = normalised(prepared, self._model.normalise_epsilon)
        return self._compute(prepared)

    def _on_cpu(self) -> Compute:
        return self._opened(torch.device("cpu"))

    def _opened(self, device: torch.device) -> Compute:
        network = Overlapping(load(self._model.directory), self._least_probability).to(device)
        if device.type == "cpu":
            pack(network)

        def compute(prepared: Windows) -> Shares:
            with torch.inference_mode():
                shares: Shares = network(torch.from_numpy(prepared).to(device)).cpu().numpy()
            return shares

        return compute
