"""What turns windows into embeddings; only this package imports torch, and only when one is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from earwitnessd.engines.errors import EmbedError
from earwitnessd.models import Model

__all__ = [
    "Amx",
    "Backend",
    "Compute",
    "EmbedError",
    "Embedder",
    "OverlapDetector",
    "Precision",
    "Shares",
    "Threads",
    "Vectors",
    "Windows",
    "open_embedder",
    "open_overlap_detector",
]

Windows = npt.NDArray[np.float32]  # (B, N) samples at 16 kHz
Vectors = npt.NDArray[np.float32]  # (B, D), every row of length 1
Shares = npt.NDArray[np.float32]  # (B,), 0 to 1
Backend = Literal["torch", "auto", "openvino", "compiled"]
Precision = Literal["exact", "fast", "auto"]
Threads = int | Literal["auto"]
Amx = bool | Literal["auto"]
Compute = Callable[[Windows], Vectors]  # prepared windows to vectors of any length


class Embedder(Protocol):
    """A loaded model on a device; belongs to one thread."""

    @property
    def model_id(self) -> str:
        """Which model: only embeddings of one id may be compared."""

    @property
    def device(self) -> str:
        """For people: where and how it computes."""

    def embed(self, windows: Windows) -> Vectors:
        """One row a window, in order; all of one length. A NaN in a window makes its row NaN, no other."""

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Compute once at the given shape, so that the first real window does not wait."""


class OverlapDetector(Protocol):
    """Hears whether two people speak at once; belongs to one thread."""

    def shares(self, windows: Windows) -> Shares:
        """Of each window, how much of it holds two voices."""


def open_overlap_detector(model: Model, device: str, least_probability: float) -> OverlapDetector:
    """Load a model of frame-wise speaker activity; a speaker counts from this probability on."""
    from earwitnessd.engines.frame_activity import FrameActivity  # noqa: PLC0415

    return FrameActivity(model, device, least_probability)


def open_embedder(
    model: Model,
    device: str = "auto",
    threads: Threads = "auto",
    precision: Precision = "exact",
    backend: Backend = "torch",
    amx: Amx = "auto",
) -> Embedder:
    """Load a model. `device`: auto, cpu, cuda, cuda:1, mps; `threads`: auto leaves a core to the audio.

    `precision`: exact is float32; fast is bfloat16 where there are units for it, with scores within 0.01;
    auto is fast where that cannot be told from exact. `backend`: what computes exact embeddings on the CPU;
    auto begins with torch and changes to what a measurement shows to be faster. `amx`: by our own kernels,
    on a CPU that has AMX and where there is a C compiler; auto: if clearly faster than torch there. An
    engine on a GPU goes on computing on the CPU when the GPU is lost: it is a `Degradable`.
    """
    # not before an engine is opened: torch takes a second and 200 MB
    from earwitnessd.engines.opening import open_torch  # noqa: PLC0415

    return open_torch(model, device, threads, precision, backend, amx)
