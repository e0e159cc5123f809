"""Opens a model on the device asked for; beside a GPU stands the CPU, should the GPU be lost."""

from __future__ import annotations

import gc
from functools import partial

import torch

from earwitnessd.engines import Amx, Backend, Embedder, EmbedError, Precision, Threads
from earwitnessd.engines.apart import Apart
from earwitnessd.engines.degrading import Degrading
from earwitnessd.engines.devices import pick_device
from earwitnessd.engines.torch_wavlm import TorchWavLM
from earwitnessd.models import Model


def open_torch(
    model: Model, device: str, threads: Threads, precision: Precision, backend: Backend, amx: Amx
) -> Embedder:
    """A GPU must be there to begin with; later it may go and come back.

    In its place the CPU computes in float32: it is as near to what the GPU gave as the precision promises.
    """
    chosen = pick_device(device)
    if chosen.type != "cuda":
        return TorchWavLM(model, str(chosen), threads, precision, backend, amx)

    there = partial(TorchWavLM, model, str(chosen), threads, precision, backend)

    def on_gpu_again() -> Embedder:
        return Apart(there) if _refuses_us(chosen) else there()

    cpu = TorchWavLM(model, "cpu", threads, "exact", "torch", amx)
    try:
        return Degrading(there, cpu, release=_release, open_again=on_gpu_again)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise EmbedError(
            f"{model.name} cannot be opened on {chosen}: {reason}; or set device: cpu"
        ) from error


def _refuses_us(device: torch.device) -> bool:
    """After some faults CUDA answers this process with errors alone, though others may use the device."""
    try:
        torch.cuda.synchronize(device)
    except torch.OutOfMemoryError:
        return False
    except RuntimeError:
        return True
    return False


def _release() -> None:
    """What a lost GPU still holds of ours, for others and for the next attempt."""
    gc.collect()
    torch.cuda.empty_cache()
