"""The network computed by OpenVINO, in float32 even where the CPU would do less."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from earwitnessd.engines import Compute, EmbedError, Vectors, Windows
from earwitnessd.engines.checkpoint import load

_SETTINGS = {
    "INFERENCE_PRECISION_HINT": "f32",  # bfloat16 would be its own choice on CPUs with units for it
    "PERFORMANCE_HINT": "LATENCY",
}


def openvino_missing() -> str | None:
    """Why OpenVINO cannot compute here; None: it can."""
    if importlib.util.find_spec("openvino") is None:
        return "OpenVINO is not installed: pip install 'earwitness[openvino]'"
    return None


class OpenVINO:
    """Builds the network for OpenVINO; what is compiled stays in the cache directory."""

    name = "OpenVINO float32"

    def __init__(self, directory: Path, model_id: str, threads: int, cache: Path) -> None:
        self._directory = directory
        self._model_id = model_id
        self._threads = threads
        self._cache = cache

    def build(self, samples: int) -> Compute:
        """For windows of this length, in batches of any size."""
        if missing := openvino_missing():
            raise EmbedError(missing)
        import openvino  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 - an extra

        core = openvino.Core()
        file = self._file(samples)
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            openvino.save_model(self._converted(openvino, samples), file, compress_to_fp16=False)
        settings = {
            **_SETTINGS,
            "INFERENCE_NUM_THREADS": self._threads,
            "CACHE_DIR": str(self._cache / "compiled"),
        }
        compiled = core.compile_model(core.read_model(file), "CPU", settings)

        def compute(prepared: Windows) -> Vectors:
            return np.array(compiled(prepared)[0], np.float32)

        return compute

    def _file(self, samples: int) -> Path:
        version = importlib.metadata.version("openvino")
        name = f"{self._model_id}-{samples}-{version}".replace("/", "--")
        return self._cache / f"{name}.xml"

    def _converted(self, openvino: Any, samples: int) -> Any:
        network = load(self._directory)
        example = torch.zeros(1, samples)
        # the tracer warns of what is the same for every window of a length
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network(example)  # so that the biases between frames are known, and traced as constants
            shape = openvino.PartialShape([-1, samples])
            return openvino.convert_model(network, example_input=example, input=[shape])
