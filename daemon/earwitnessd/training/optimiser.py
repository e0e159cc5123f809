"""Which optimiser moves which weights: Muon for matrices where the recipe asks for it, AdamW for the rest."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from transformers import WavLMForXVector

from earwitnessd.training.errors import TrainingError
from earwitnessd.training.settings import ScheduleSettings

# Look-up tables, gates of a few rows, and layers that an embedding does not pass.
NOT_MATRICES = ("embed", "gru", "objective", "classifier")


class Optimisers:
    """AdamW and perhaps Muon, moved together."""

    def __init__(self, student: WavLMForXVector, heads: nn.Module, settings: ScheduleSettings) -> None:
        decay = settings.weight_decay
        trained = [(name, value) for name, value in student.named_parameters() if value.requires_grad]
        matrices = [
            value for name, value in trained if settings.matrix_learning_rate > 0 and _is_matrix(name, value)
        ]
        chosen = {id(value) for value in matrices}
        others = [value for _, value in trained if id(value) not in chosen] + list(heads.parameters())
        groups = [
            {"params": [value for value in others if value.ndim > 1], "weight_decay": decay},
            {"params": [value for value in others if value.ndim <= 1], "weight_decay": 0.0},
        ]
        self._trained = [*matrices, *others]
        self._pairs: list[tuple[Optimizer, float]] = [
            (torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98)), settings.peak_learning_rate)
        ]
        if matrices:
            self._pairs.append((_muon(matrices, decay), settings.matrix_learning_rate))

    def step(self, share_of_peak: float) -> None:
        """Move all weights with a share of each optimiser's peak rate, then forget the gradients."""
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        for optimiser, peak in self._pairs:
            for group in optimiser.param_groups:
                group["lr"] = peak * share_of_peak
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        """For a checkpoint."""
        return [optimiser.state_dict() for optimiser, _ in self._pairs]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """From a checkpoint of the same recipe."""
        for (optimiser, _), state in zip(self._pairs, states, strict=True):
            optimiser.load_state_dict(state)


def _is_matrix(name: str, value: nn.Parameter) -> bool:
    return value.ndim == 2 and not any(part in name for part in NOT_MATRICES)


def _muon(matrices: list[nn.Parameter], decay: float) -> Optimizer:
    if not hasattr(torch.optim, "Muon"):
        raise TrainingError(
            f"schedule.matrix_learning_rate needs torch 2.9 or later, this is {torch.__version__}"
        )
    return torch.optim.Muon(
        matrices, lr=0.0, momentum=0.95, weight_decay=decay, adjust_lr_fn="match_rms_adamw"
    )
