"""Embeddings of a WavLM computed by torch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from earwitnessd.engines import Amx, Backend, EmbedError, Precision, Threads, Vectors, Windows
from earwitnessd.engines.amx.opening import open_kernels
from earwitnessd.engines.backends import refuse_elsewhere, with_backend
from earwitnessd.engines.computing import Tiles, arrange
from earwitnessd.engines.devices import default_threads, described, lacks_bfloat16, pick_device
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import Model
from earwitnessd.models.model import RATE
from earwitnessd.models.verify import EPSILON
from earwitnessd.native.cache import cache_directory

log = logging.getLogger(__name__)

_SELF_CHECK_S = 2.0
_SELF_CHECK_TOLERANCE = 1e-5
_SMALLEST = np.finfo(np.float32).tiny
_JUDGED_WINDOWS = 6  # of speech, for a mode that is not exact by construction
_JUDGED_S = 3.0
CPU_BATCHES = (
    8,
    4,
    2,
    1,
)  # windows at once: more is no faster, and oneDNN keeps 0.5 MB a product and size
LONGEST_FILLING_S = 1.0  # at start-up
_TRIED_WINDOWS = 4  # of speech, on which another backend must give the same


class TorchWavLM:
    """A WavLM with its head on one device; belongs to the engine thread."""

    def __init__(
        self,
        model: Model,
        device: str = "auto",
        threads: Threads = "auto",
        precision: Precision = "exact",
        backend: Backend = "torch",
        amx: Amx = "auto",
    ) -> None:
        if not model.family.embeds:
            raise EmbedError(
                f"{model.name} is {model.family.says}: it gives no embedding. Set another model; "
                "this one can be the settings' overlap.model"
            )
        if model.family.warning:
            log.warning("%s: %s", model.name, model.family.warning)
        self._epsilon = model.normalise_epsilon if model.normalise else None
        chosen = pick_device(device)
        self._sizes = CPU_BATCHES if chosen.type == "cpu" else ()
        if chosen.type == "cpu":
            torch.set_num_threads(default_threads() if threads in {0, "auto"} else int(threads))
        # convolutions would otherwise be rounded to 10 bits on CUDA, and scores depend on the device
        torch.backends.cudnn.allow_tf32 = False
        kernels = open_kernels(cache_directory()) if amx and chosen.type == "cpu" else None
        tiles = None if kernels is None else Tiles(kernels, contested=amx == "auto")
        rounded = precision != "exact" or tiles is not None
        judged = speech_windows(_JUDGED_WINDOWS if rounded else 1, int(_JUDGED_S * RATE))
        prepared = self._prepared(judged)
        lacking = lacks_bfloat16(chosen)
        arranged = arrange(model.directory, chosen, precision, prepared, lacking, tiles)
        if chosen.type != "cpu" or not arranged.exact:
            refuse_elsewhere(backend, f"only for device: cpu and precision: exact, not {described(chosen)}")
            backend = "torch"
        self._forward = with_backend(arranged.compute, backend, model)
        self.model_id = model.model_id + arranged.kind
        self.device = f"{described(chosen)}, {arranged.says}"
        self._check_itself(model)

    def embed(self, windows: Windows) -> Vectors:
        """One unit row a window; when the GPU's memory runs out, the batch is halved and tried again."""
        if windows.ndim != 2:
            raise ValueError(f"windows of shape {windows.shape}: expected (batch, samples)")
        vectors = np.concatenate(
            [in_halves(self._forward, part) for part in in_sizes(self._prepared(windows), self._sizes)]
        )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(lengths, _SMALLEST)
        return unit

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Compute once at the given shape, so that the first real window does not wait."""
        windows = np.tile(_synthetic_signal(window_samples), (batch, 1))
        refusal = f"{self.model_id} cannot embed windows of {window_samples / RATE:g} s"
        try:
            began_s = time.monotonic()
            vectors = self.embed(windows)
            passed_s = time.monotonic() - began_s
            if self._sizes and passed_s * sum(self._sizes) < LONGEST_FILLING_S * batch:
                # all memory that it will ever need, now
                self.embed(np.tile(windows[:1], (sum(self._sizes), 1)))
        except RuntimeError as error:
            raise EmbedError(
                f"{refusal} ({error}): if they are too short, set a larger windows.length_s"
            ) from error
        if not np.isfinite(vectors).all():
            raise EmbedError(f"{refusal}: the result is not finite; set a larger windows.length_s")
        self._forward.start(self._prepared(speech_windows(_TRIED_WINDOWS, window_samples)))

    def wait_for_backend(self, timeout_s: float) -> bool:
        """Whether every backend that was asked for has been built and tried by then."""
        return self._forward.wait(timeout_s)

    def _prepared(self, windows: Windows) -> Windows:
        if self._epsilon is None:
            return np.require(windows, np.float32, ["C", "W"])
        return normalised(windows, self._epsilon)

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


def normalised(windows: Windows, epsilon: float = EPSILON) -> Windows:
    """Every row of zero mean and unit variance, as transformers' Wav2Vec2FeatureExtractor does it."""
    windows = np.ascontiguousarray(windows, dtype=np.float32)
    means = windows.mean(axis=1, keepdims=True)
    scales = np.sqrt(windows.var(axis=1, keepdims=True) + np.float32(epsilon))
    result: Windows = (windows - means) / scales
    return result


def in_sizes(windows: Windows, sizes: Sequence[int]) -> Iterator[Windows]:
    """A batch in parts of these sizes, which fall to 1; without sizes, and without a window, as it is."""
    if not sizes or not len(windows):
        yield windows
        return
    first = 0
    while first < len(windows):
        size = next(size for size in sizes if size <= len(windows) - first)
        yield windows[first : first + size]
        first += size


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


def _synthetic_signal(samples: int) -> Windows:
    """Noise and a gliding tone, the same at each call."""
    time_s = np.arange(samples) / RATE
    glide = np.sin(2 * np.pi * (150.0 + 400.0 * time_s) * time_s)
    noise = np.random.default_rng(20261120).standard_normal(samples)
    return (0.2 * glide + 0.05 * noise).astype(np.float32)
