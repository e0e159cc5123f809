"""A microphone that stalls, floods, goes and comes back on command: an ALSA plug-in of our own."""

from __future__ import annotations

import ctypes.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tests.voices import ANNA_HZ, talking

from .compiled import shared_library
from .compiled import why_not as compiler

NAME = "faulty_mic"
Command = Literal["works", "stalls", "is gone", "zeros", "is weird"]
LETTERS: Mapping[Command, bytes] = {
    "works": b"g",
    "stalls": b"s",
    "is gone": b"d",
    "zeros": b"z",
    "is weird": b"w",
}
ASOUND_CONF = """\
</usr/share/alsa/alsa.conf>
pcm_type.faulty {{ lib "{library}" }}
pcm.{name} {{
  type faulty
  sound "{folder}/sound.s16"
  command "{folder}/command"
  hint {{ show on description "{name}" }}
}}
"""


def why_not() -> str:
    """What is missing here, for `pytest.mark.skipif`; empty when it can be made."""
    if ctypes.util.find_library("portaudio") is None:
        return "needs libportaudio2"
    if reason := compiler("alsa/pcm_external.h"):
        return f"{reason} (libasound2-dev)"
    return ""


class FaultMicrophone:
    """Anna talks into it for ever."""

    device = NAME

    def __init__(self, folder: Path) -> None:
        self._command = folder / "command"
        self._command.write_bytes(LETTERS["works"])
        samples = (talking(ANNA_HZ, 10.0) * 32767).astype("<i2")
        (folder / "sound.s16").write_bytes(samples.tobytes())
        library = shared_library(
            "fault_microphone.c", folder, "-DPIC", "-lasound", name="libasound_module_pcm_faulty.so"
        )
        self._configuration = folder / "asound.conf"
        self._configuration.write_text(ASOUND_CONF.format(library=library, folder=folder, name=NAME))

    @property
    def environment(self) -> Mapping[str, str]:
        """For processes that shall hear it."""
        return {**os.environ, "ALSA_CONFIG_PATH": str(self._configuration)}

    def now(self, command: Command) -> None:
        """From this moment on; the file keeps its place, for it is mapped."""
        with self._command.open("r+b") as file:
            file.write(LETTERS[command])
