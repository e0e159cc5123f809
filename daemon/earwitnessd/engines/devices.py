"""Which device computes, with how many threads, and what it has units for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from earwitnessd.engines.errors import EmbedError
from earwitnessd.native.cpu import CPUINFO, cpu_flags

_BFLOAT16_FLAGS = {"amx_bf16", "avx512_bf16"}


def pick_device(wanted: str) -> torch.device:
    """The device of that name, if it is there."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise EmbedError(f'device "{wanted}": expected auto, cpu, cuda, cuda:N or mps') from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        found = cuda_found(torch.__version__, torch.version.cuda, gpus)
        raise EmbedError(f'device "{wanted}": {found}; or use auto or cpu')
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise EmbedError('device "mps": not available on this machine; use auto or cpu')
    if device.type not in {"cpu", "cuda", "mps"}:
        raise EmbedError(f'device "{wanted}": expected auto, cpu, cuda, cuda:N or mps')
    return device


def cuda_found(torch_version: str, built_for: str | None, gpus: Sequence[str]) -> str:
    """What there is of CUDA, and what to do when it is too little."""
    if built_for is None:
        return f"torch {torch_version} is built without CUDA: install a build with it (see pytorch.org)"
    if not gpus:
        return (
            f"torch {torch_version} is built for CUDA {built_for} and sees no GPU: look whether `nvidia-smi` "
            "does, and whether CUDA_VISIBLE_DEVICES or a container hides it"
        )
    there = ", ".join(f"cuda:{index} ({name})" for index, name in enumerate(gpus))
    return f"there is none of that number; there are: {there}"


def default_threads() -> int:
    """All cores this process may use but one, which is the audio's."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, usable - 1)


def described(device: torch.device) -> str:
    """For people."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu ({threads} thread{'s' if threads > 1 else ''})"
    return str(device)


def lacks_bfloat16(device: torch.device, cpuinfo: Path = CPUINFO) -> str | None:
    """Why bfloat16 would not be fast there; None: it has units for it."""
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return None
        return "this GPU has no bfloat16 units"
    if device.type != "cpu":
        return f"bfloat16 is not used on {device.type}"
    flags = cpu_flags(cpuinfo)
    if flags is None:
        return "it is not known whether this CPU has bfloat16 units"
    return None if flags & _BFLOAT16_FLAGS else "this CPU has no bfloat16 units (AMX or AVX512-BF16)"
