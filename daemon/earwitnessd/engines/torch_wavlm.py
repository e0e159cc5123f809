"""WavLM x-vectors computed by torch, in float32."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import torch

from earwitnessd.engines import EmbedError, Vectors, Windows
from earwitnessd.engines.checkpoint import load
from earwitnessd.engines.packing import pack
from earwitnessd.models import Model
from earwitnessd.models.model import RATE

_SELF_CHECK_S = 2.0
_SELF_CHECK_TOLERANCE = 1e-5
_SMALLEST = np.finfo(np.float32).tiny


class TorchWavLM:
    """A WavLMForXVector on one device; belongs to the engine thread."""

    def __init__(self, model: Model, device: str = "auto", threads: int = 0) -> None:
        self.model_id = model.model_id
        self._normalise = model.normalise
        self._device = _pick_device(device)
        if self._device.type == "cpu":
            torch.set_num_threads(threads or default_threads())
        # convolutions would otherwise be rounded to 10 bits on CUDA, and scores depend on the device
        torch.backends.cudnn.allow_tf32 = False
        self._network = load(model.directory).to(self._device)
        if self._device.type == "cpu":
            pack(self._network)
        self.device = _describe(self._device)
        self._check_itself(model)

    def embed(self, windows: Windows) -> Vectors:
        """One unit row a window; when the GPU's memory runs out, the batch is halved and tried again."""
        if windows.ndim != 2:
            raise ValueError(f"windows of shape {windows.shape}: expected (batch, samples)")
        prepared = normalised(windows) if self._normalise else np.array(windows, np.float32, order="C")
        vectors = in_halves(self._forward, prepared)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(lengths, _SMALLEST)
        return unit

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Compute once at the given shape, so that the first real window does not wait."""
        windows = np.tile(_synthetic_signal(window_samples), (batch, 1))
        refusal = f"{self.model_id} cannot embed windows of {window_samples / RATE:g} s"
        try:
            vectors = self.embed(windows)
        except RuntimeError as error:
            raise EmbedError(
                f"{refusal} ({error}): if they are too short, set a larger windows.length_s"
            ) from error
        if not np.isfinite(vectors).all():
            raise EmbedError(f"{refusal}: the result is not finite; set a larger windows.length_s")

    def _forward(self, prepared: Windows) -> Vectors:
        with torch.inference_mode():
            inputs = torch.from_numpy(prepared).to(self._device)
            embeddings: Vectors = self._network(inputs).float().cpu().numpy()
        return embeddings

    def _check_itself(self, model: Model) -> None:
        signal = _synthetic_signal(int(_SELF_CHECK_S * RATE))[np.newaxis]
        first, second = self.embed(signal), self.embed(signal)
        if not np.isfinite(first).all() or abs(np.linalg.norm(first) - 1.0) > _SELF_CHECK_TOLERANCE:
            raise EmbedError(
                f"{model.name} on {self.device} gives embeddings that are not numbers or vanish: "
                "the weights are damaged or the device miscomputes; try device: cpu, or another model"
            )
        difference = float(np.abs(first - second).max())
        if difference > _SELF_CHECK_TOLERANCE:
            raise EmbedError(
                f"{model.name} on {self.device} embeds the same audio differently each time "
                f"(by {difference:.1e}): try device: cpu"
            )


def normalised(windows: Windows) -> Windows:
    """Every row of zero mean and unit variance, as transformers' Wav2Vec2FeatureExtractor does it."""
    windows = np.ascontiguousarray(windows, dtype=np.float32)
    means = windows.mean(axis=1, keepdims=True)
    scales = np.sqrt(windows.var(axis=1, keepdims=True) + np.float32(1e-7))
    result: Windows = (windows - means) / scales
    return result


def in_halves(forward: Callable[[Windows], Vectors], windows: Windows) -> Vectors:
    """Compute a batch; one that does not fit the GPU's memory is computed as two halves."""
    try:
        return forward(windows)
    except torch.cuda.OutOfMemoryError as error:
        if len(windows) < 2:
            raise EmbedError(
                "the GPU has no memory for a single window: free some, or set device: cpu"
            ) from error
    # outside the handler, whose traceback holds the failed batch's tensors
    torch.cuda.empty_cache()
    half = len(windows) // 2
    return np.concatenate([in_halves(forward, windows[:half]), in_halves(forward, windows[half:])])


def default_threads() -> int:
    """All cores this process may use but one, which is the audio's."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, usable - 1)


def _pick_device(wanted: str) -> torch.device:
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise EmbedError(f'device "{wanted}": expected auto, cpu, cuda, cuda:N or mps') from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise EmbedError(
            f'device "{wanted}": torch sees {torch.cuda.device_count()} CUDA devices; use auto or cpu, '
            "or install a torch built for CUDA"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise EmbedError('device "mps": not available on this machine; use auto or cpu')
    if device.type not in {"cpu", "cuda", "mps"}:
        raise EmbedError(f'device "{wanted}": expected auto, cpu, cuda, cuda:N or mps')
    return device


def _describe(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)}), float32"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({threads} thread{'s' if threads > 1 else ''}), float32"
    return f"{device}, float32"


def _synthetic_signal(samples: int) -> Windows:
    """Noise and a gliding tone, the same at each call."""
    time_s = np.arange(samples) / RATE
    glide = np.sin(2 * np.pi * (150.0 + 400.0 * time_s) * time_s)
    noise = np.random.default_rng(20261120).standard_normal(samples)
    return (0.2 * glide + 0.05 * noise).astype(np.float32)
