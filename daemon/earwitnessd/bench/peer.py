"""The peer that engines are compared with: transformers' WavLMForXVector, computed eagerly by torch."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from earwitnessd.bench.errors import BenchError
from earwitnessd.engines import Vectors, Windows

try:
    import transformers
    from transformers import WavLMConfig, WavLMForXVector
except ModuleNotFoundError as missing:
    raise BenchError("the peer is transformers: pip install 'earwitness[bench]'") from missing

VERSION: str = transformers.__version__
SEED = 20261120

# TFLOP a second of dense bfloat16 products, as the makers state them
DENSE_BF16_TFLOPS = {
    "H200": 989.0,
    "H100": 989.0,
    "H20": 148.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "A10": 125.0,
    "B200": 2250.0,
    "RTX 4090": 165.0,
}


class Peer:
    """One loaded model; what it is given is normalised already, where the model wants it so."""

    def __init__(self, directory: Path, device: str, threads: int, *, bfloat16: bool = False) -> None:
        _hush()
        torch.set_num_threads(threads)
        torch.backends.cudnn.allow_tf32 = False
        self.name = f"transformers {'bfloat16' if bfloat16 else 'float32'}"
        self._device = torch.device(device)
        self._type = torch.bfloat16 if bfloat16 else torch.float32
        network = WavLMForXVector.from_pretrained(directory, local_files_only=True, dtype=torch.float32)
        self._network = network.to(self._device, self._type).eval()

    def embed(self, windows: Windows) -> Vectors:
        """One unit row a window."""
        with torch.inference_mode():
            inputs = torch.from_numpy(windows).to(self._device, self._type)
            vectors: Vectors = self._network(inputs).embeddings.float().cpu().numpy()
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def gflop(self, windows: Windows) -> float:
        """Of the products and convolutions in embedding these windows; a product and its sum are two."""
        with torch.no_grad(), _Counting() as counting:
            self._network(torch.from_numpy(windows).to(self._device, self._type))
        operations: int = counting.operations
        return operations / 1e9


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's
    """Adds up what every operation costs; torch's own counter cannot see through parametrised weights."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.operations: int = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if cost := flop_registry.get(function.overloadpacket):
            self.operations += cost(*args, **(kwargs or {}), out_val=result)
        return result


def _hush() -> None:
    """Bars and warnings about weights of training are nothing to a table of figures."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def cuda_devices() -> list[str]:
    """Names of all that torch can use."""
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def dense_bf16_tflops(gpu: str) -> float | None:
    """By the device's name; None: its maker's figure is not known here."""
    found = (peak for name, peak in DENSE_BF16_TFLOPS.items() if re.search(rf"\b{name}\b", gpu))
    return next(found, None)


def write_random(folder: Path, shape: dict[str, object]) -> None:
    """A checkpoint of this shape whose every part matters: no weight is zero, and no gate stands still."""
    _hush()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = WavLMForXVector(WavLMConfig(**shape))
    random = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            _fill(name, weight, random)
    network.save_pretrained(folder, safe_serialization=True)


def _fill(name: str, weight: torch.nn.Parameter, random: torch.Generator) -> None:
    """What transformers would begin with is zero or one in too many places to show a mistake."""

    def noise(scale: float) -> torch.Tensor:
        return scale * torch.randn(weight.shape, generator=random)

    if "rel_attn_embed" in name:
        weight.copy_(noise(1.0))
    elif "gru_rel_pos_const" in name:
        weight.copy_(1.0 + noise(0.3))
    elif "gru_rel_pos_linear" in name:
        weight.copy_(noise(0.3))
    elif name.endswith("layer_weights"):
        weight.copy_(torch.rand(weight.shape, generator=random))
    elif "norm" in name and name.endswith("weight"):
        weight.copy_(1.0 + noise(0.1))
    elif name.endswith(("q_proj.weight", "k_proj.weight")):
        weight.mul_(3.0)
    elif name.startswith("tdnn.") and name.endswith("weight"):
        # as much comes out as went in: else the biases alone would make the embedding
        weight.copy_(noise(math.sqrt(2.0 / weight.shape[1])))
    elif name.endswith("bias"):
        weight.copy_(noise(0.05))
