"""Products with fixed weights: dense layers, and convolutions over time with the channels innermost."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.activations import Activation


class Dense(nn.Module):
    """`activate(inputs @ weight.T + bias)` over the last axis, in the number format of its weight."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activate: Activation | None = None) -> None:
        super().__init__()
        self.weight = fixed(weight)
        self.bias = None if bias is None else fixed(bias)
        self.activate = activate

    def forward(self, inputs: Tensor) -> Tensor:
        """(…, inputs) to (…, outputs)."""
        outputs = functional.linear(inputs.to(self.weight.dtype), self.weight, self.bias)
        return outputs if self.activate is None else self.activate(outputs)


class Convolution(nn.Module):
    """A convolution over time of (batch, time, channels), in the number format of its weight."""

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        activate: Activation | None = None,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
    ) -> None:
        super().__init__()
        # as an image one row high, because kernels with the channels innermost exist for images alone
        image = weight.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(image, requires_grad=False)
        self.bias = None if bias is None else fixed(bias)
        self.activate = activate
        self.stride, self.padding, self.groups = (1, stride), (0, padding), groups

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, time, inputs) to (batch, less time, outputs)."""
        image = inputs.to(self.weight.dtype).transpose(1, 2).unsqueeze(2)
        outputs = functional.conv2d(
            image, self.weight, self.bias, self.stride, self.padding, groups=self.groups
        )
        outputs = outputs.squeeze(2).transpose(1, 2)
        return outputs if self.activate is None else self.activate(outputs)


class Norm(nn.Module):
    """Layer normalisation over the last axis, in the number format of its weight."""

    def __init__(self, weight: Tensor, bias: Tensor, epsilon: float) -> None:
        super().__init__()
        self.weight, self.bias = fixed(weight), fixed(bias)
        self.epsilon = epsilon

    def forward(self, inputs: Tensor) -> Tensor:
        """Of the shape of the inputs."""
        inputs = inputs.to(self.weight.dtype)
        return functional.layer_norm(inputs, self.weight.shape, self.weight, self.bias, self.epsilon)


def fixed(values: Tensor) -> nn.Parameter:
    """A weight that is moved and converted with its module, and never trained."""
    return nn.Parameter(values.contiguous(), requires_grad=False)
