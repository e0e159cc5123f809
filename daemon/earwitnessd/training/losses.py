"""What the network is rewarded for: the teacher's geometry, and margins between speakers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.training.settings import DistillationSettings


class MarginHead(nn.Module):
    """Additive-margin softmax over training speakers; kept only while training."""

    def __init__(self, dimensions: int, classes: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, dimensions) * dimensions**-0.5)
        self._scale = scale

    def forward(self, unit: Tensor, labels: Tensor, margin: float) -> Tensor:
        """The mean loss of unit-norm embeddings."""
        cosines = unit @ functional.normalize(self.weight).T
        reduced = cosines - margin * functional.one_hot(labels, cosines.shape[1])
        return functional.cross_entropy(self._scale * reduced, labels)


class TeacherHead(nn.Module):
    """Both distillation losses; a linear map goes before where the teacher's embeddings have another size."""

    def __init__(self, dimensions: int, teacher_dimensions: int, settings: DistillationSettings) -> None:
        super().__init__()
        same = dimensions == teacher_dimensions
        self.map = nn.Identity() if same else nn.Linear(dimensions, teacher_dimensions)
        self._settings = settings

    def forward(self, unit: Tensor, targets: Tensor) -> Tensor:
        """The weighted sum for unit-norm embeddings and unit-norm targets."""
        cosine = 1 - functional.cosine_similarity(self.map(unit), targets).mean()
        off_diagonal = ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
        difference = (unit @ unit.T - targets @ targets.T)[off_diagonal]
        return self._settings.cosine * cosine + self._settings.similarity * difference.square().mean()
