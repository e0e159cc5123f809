"""A whole daemon whose model answers at once and hears nothing: `python -m earwitnessd.bench.modelless`."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from earwitness.events import RATE
from earwitnessd.assemble import open_parts
from earwitnessd.engines import Vectors, Windows
from earwitnessd.listening.parts import Parts
from earwitnessd.logs import log_to_stderr
from earwitnessd.service.service import Service
from earwitnessd.settings.load import load
from earwitnessd.settings.root import Settings


class Answering:
    """Says of every window the same, in as many dimensions as the model: its calibration has to fit."""

    def __init__(self, model_id: str, dimensions: int) -> None:
        self.model_id = model_id
        self._row = np.full((1, dimensions), dimensions**-0.5, dtype=np.float32)
        self.device = "no model"

    def embed(self, windows: Windows) -> Vectors:
        """The same unit row for each."""
        return self._row if len(windows) == 1 else np.repeat(self._row, len(windows), axis=0)

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Nothing to do."""


def open_modelless(settings: Settings) -> Parts:
    """Everything that the settings ask for but the model."""
    parts = open_parts(settings)
    model = parts.embedder
    dimensions = model.embed(np.zeros((1, RATE), dtype=np.float32)).shape[1]
    return replace(parts, embedder=Answering(model.model_id, dimensions))


def main() -> None:
    """Run until stopped."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--config", type=Path, required=True)
    config = arguments.parse_args().config
    settings = load(config, ())
    log_to_stderr(settings.log_level)
    Service(settings, lambda: load(config, ()), open_modelless).run()
    os._exit(0)


if __name__ == "__main__":
    main()
