"""A whole daemon whose model answers at once and hears nothing: `python -m earwitnessd.bench.modelless`."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from earwitnessd.assemble import open_parts
from earwitnessd.engines import Vectors, Windows
from earwitnessd.listening.listener import Parts
from earwitnessd.logs import log_to_stderr
from earwitnessd.service.service import Service
from earwitnessd.settings.load import load
from earwitnessd.settings.root import Settings

DIMENSIONS = 512


class Answering:
    """Says of every window the same."""

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id
        self.device = "no model"

    def embed(self, windows: Windows) -> Vectors:
        """The same unit row for each."""
        return np.full((len(windows), DIMENSIONS), DIMENSIONS**-0.5, dtype=np.float32)

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Nothing to do."""


def open_modelless(settings: Settings) -> Parts:
    """Everything that the settings ask for but the model."""
    parts = open_parts(settings)
    return replace(parts, embedder=Answering(parts.embedder.model_id))


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
