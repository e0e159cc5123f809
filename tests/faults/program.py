"""The daemon with an engine that knows tones instead of a model, and that hangs or fails when told to.

`python -m tests.faults.program FOLDER CONFIG`: a file in FOLDER called `hang` hangs the engine thread, `gpu`
gives it a fake GPU, `gpu-lost` takes that away; SIGUSR1 hangs the main thread.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from earwitnessd.access.sockets import SocketError
from earwitnessd.assemble import open_store, profile_file
from earwitnessd.engines import Embedder, Vectors, Windows
from earwitnessd.listening.parts import Parts
from earwitnessd.logs import log_to_stderr
from earwitnessd.profiles import StoreError
from earwitnessd.profiles.aside import moved_aside
from earwitnessd.profiles.people import People
from earwitnessd.service.errors import EngineFailedError, StartError
from earwitnessd.service.service import Service
from earwitnessd.settings.load import load
from earwitnessd.settings.root import Settings
from earwitnessd.settings.validate import SettingsError
from tests.voices import TONE_RULES, TONES, ToneEmbedder

HASTE = 5.0  # a lost GPU is asked for again so many times sooner


def hang() -> None:
    """For ever, without holding the interpreter."""
    threading.Event().wait()


class Tones(ToneEmbedder):
    """Hangs when told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._hang = folder / "hang"

    def embed(self, windows: Windows) -> Vectors:
        if self._hang.exists():
            hang()
        return super().embed(windows)


class FakeGpu(ToneEmbedder):
    """Fails like CUDA when its card is gone."""

    device = "a GPU"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._lost = folder / "gpu-lost"
        self.embed_nothing()

    def embed_nothing(self) -> None:
        """What opening it does."""
        if self._lost.exists():
            raise RuntimeError(self._lost.read_text(encoding="utf-8"))

    def embed(self, windows: Windows) -> Vectors:
        self.embed_nothing()
        return super().embed(windows)


def embedder(folder: Path) -> Embedder:
    """As the folder says."""
    if not (folder / "gpu").exists():
        return Tones(folder)
    from earwitnessd.engines.degrading import Degrading  # noqa: PLC0415 - torch, for this alone

    return Degrading(lambda: FakeGpu(folder), Tones(folder), clock=lambda: HASTE * time.monotonic())


def open_parts(folder: Path, settings: Settings) -> Parts:
    """Called in the engine thread."""
    computing = embedder(folder)
    return Parts(
        embedder=computing,
        people=People(open_store(settings), computing.model_id, TONE_RULES.threshold),
        rules=TONE_RULES,
        model=TONES,
        profiles_damaged=moved_aside(profile_file(settings)),
    )


def main(arguments: list[str]) -> int:
    """As `earwitnessd run`."""
    folder, config = (Path(argument) for argument in arguments)
    signal.signal(signal.SIGUSR1, lambda *_: hang())
    try:
        settings = load(config)
        log_to_stderr(settings.log_level)
        Service(settings, lambda: load(config), lambda settings: open_parts(folder, settings)).run()
    except (SettingsError, SocketError, StartError, StoreError) as error:
        print(f"earwitnessd: {error}", file=sys.stderr)
        return 3
    except EngineFailedError as error:
        print(f"earwitnessd: the engine failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
