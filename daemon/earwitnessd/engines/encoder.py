"""The transformer: layers whose attention is biased by distance, and gated by what is heard."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitnessd.engines.activations import activation
from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.position import PositionalConvolution, RelativeBias
from earwitnessd.engines.products import Dense, Norm, fixed

_GATES = 2
_ALIGNED = 16  # rows: kernels like such multiples


class Attention(nn.Module):
    """Self-attention; queries, keys, values and gates are one product."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor], name: str) -> None:
        super().__init__()
        self.heads, self.head_size = architecture.num_attention_heads, architecture.head_size
        self.project = Dense(*_projection(architecture, weights, name))
        self.merge = _dense(weights, f"{name}.out_proj")
        self.gate_scale = fixed(weights[f"{name}.gru_rel_pos_const"].flatten())

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """(batch, frames, hidden) and (heads, frames, frames) to (batch, frames, hidden)."""
        projected = self.project(hidden)
        width = self.heads * self.head_size
        batch, frames, _ = projected.shape
        thirds = projected[..., : 3 * width].view(batch, frames, 3, self.heads, self.head_size)
        queries, keys, values = thirds.permute(2, 0, 3, 1, 4).unbind(0)
        gates = projected[..., 3 * width : 3 * width + _GATES * self.heads].to(self.gate_scale.dtype)
        update, reset = gates.sigmoid().split(self.heads, -1)
        gate = update * (reset * self.gate_scale - 1.0) + 2.0
        gated = gate.transpose(1, 2).unsqueeze(-1) * bias
        heard = functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=gated.to(queries.dtype)
        )
        merged: Tensor = self.merge(heard.transpose(1, 2).flatten(2))
        return merged


class Layer(nn.Module):
    """Attention and a feed-forward part, each added to what came in."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor], name: str) -> None:
        super().__init__()
        self.norms_first = architecture.do_stable_layer_norm
        self.attention = Attention(architecture, weights, f"{name}.attention")
        self.attention_norm = _norm(weights, f"{name}.layer_norm", architecture)
        forward = f"{name}.feed_forward"
        self.widen = Dense(
            weights[f"{forward}.intermediate_dense.weight"],
            weights[f"{forward}.intermediate_dense.bias"],
            activation(architecture.hidden_act),
        )
        self.narrow = _dense(weights, f"{forward}.output_dense")
        self.output_norm = _norm(weights, f"{name}.final_layer_norm", architecture)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """(batch, frames, hidden) to the same shape."""
        if self.norms_first:
            hidden = hidden + self.attention(self.attention_norm(hidden), bias)
            widened: Tensor = self.narrow(self.widen(self.output_norm(hidden)))
            return hidden + widened
        hidden = self.attention_norm(hidden + self.attention(hidden, bias))
        normed: Tensor = self.output_norm(hidden + self.narrow(self.widen(hidden)))
        return normed


class Encoder(nn.Module):
    """All layers, and the sum of their outputs where the architecture weighs them."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.norms_first = architecture.do_stable_layer_norm
        self.position = PositionalConvolution(architecture, weights)
        self.norm = _norm(weights, "wavlm.encoder.layer_norm", architecture)
        self.layers = nn.ModuleList(
            Layer(architecture, weights, f"wavlm.encoder.layers.{number}")
            for number in range(architecture.num_hidden_layers)
        )
        self.relative = RelativeBias(architecture, weights) if len(self.layers) else None
        self.sums_normed = bool(architecture.tie_last_hidden_states)
        weighted = architecture.use_weighted_layer_sum
        self.shares = fixed(weights["layer_weights"].softmax(-1)) if weighted else None

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, frames, hidden) to the same shape."""
        hidden = frames + self.position(frames)
        if not self.norms_first:
            hidden = self.norm(hidden)
        bias = self.relative(frames.shape[1]) if self.relative is not None else frames
        if self.shares is not None:
            return self._weighted(hidden, bias, self.shares)
        for layer in self.layers:
            hidden = layer(hidden, bias)
        closed: Tensor = self.norm(hidden) if self.norms_first else hidden
        return closed

    def _weighted(self, hidden: Tensor, bias: Tensor, shares: Tensor) -> Tensor:
        """The sum over what goes into the first layer and what comes out of each."""
        total = hidden * shares[0]
        for number, layer in enumerate(self.layers, start=1):
            hidden = layer(hidden, bias)
            if self.norms_first and self.sums_normed and number == len(self.layers):
                hidden = self.norm(hidden)
            total = total + hidden * shares[number]
        return total


def _projection(a: Architecture, weights: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of queries, keys, values and gates, below one another.

    A gate is the sum of four outputs of a small product that every head shares: the sum becomes one row,
    which is zero but at its head's channels.
    """
    parts = ("q_proj", "k_proj", "v_proj")
    shared = f"{name}.gru_rel_pos_linear"
    small = weights[f"{shared}.weight"].double().view(_GATES, 4, a.head_size).sum(1)
    small_bias = weights[f"{shared}.bias"].double().view(_GATES, 4).sum(1)
    heads = torch.eye(a.num_attention_heads, dtype=torch.float64)
    gates = torch.kron(small.unsqueeze(1), heads.unsqueeze(-1)).reshape(-1, a.hidden_size)
    gates_bias = small_bias.repeat_interleave(a.num_attention_heads)
    padding = -(3 * a.hidden_size + len(gates)) % _ALIGNED
    weight = [weights[f"{name}.{part}.weight"] for part in parts]
    bias = [weights[f"{name}.{part}.bias"] for part in parts]
    kind = weight[0].dtype
    return (
        torch.cat([*weight, gates.to(kind), torch.zeros(padding, a.hidden_size, dtype=kind)]),
        torch.cat([*bias, gates_bias.to(kind), torch.zeros(padding, dtype=kind)]),
    )


def _dense(weights: Mapping[str, Tensor], name: str) -> Dense:
    return Dense(weights[f"{name}.weight"], weights[f"{name}.bias"])


def _norm(weights: Mapping[str, Tensor], name: str, a: Architecture) -> Norm:
    return Norm(weights[f"{name}.weight"], weights[f"{name}.bias"], a.layer_norm_eps)
