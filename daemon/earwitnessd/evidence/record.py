"""What is written of a verdict: a sound file, and beside it, as JSON, the event and where the audio lies."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass

import msgspec
import soundfile

from earwitness.events import RATE, AnyEvent
from earwitnessd.evidence.clip import Clip

AUDIO, SIDECAR = ".flac", ".json"
NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z-[A-Za-z0-9_-]+-[a-z]+-[0-9a-f]{8}-\d+")
# of our files, without the suffix: what is called otherwise is never touched


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """A published verdict with its audio."""

    event: AnyEvent
    clip: Clip
    gaps: tuple[tuple[int, int], ...]
    # positions (from, to) that were never heard: zeros stand there

    @property
    def name(self) -> str:
        """Time, stream, verdict, boot and number: nobody's name, and no two alike."""
        moment = self.event.time.replace("-", "").replace(":", "")
        kind = self.event.type.rpartition(".")[2]
        stream = getattr(self.event, "stream", "")
        return f"{moment}-{stream}-{kind}-{self.event.boot[:8]}-{self.event.seq}"

    def audio(self) -> bytes:
        """As FLAC of 16 bits."""
        file = io.BytesIO()
        soundfile.write(file, self.clip.samples, RATE, format="FLAC", subtype="PCM_16")
        return file.getvalue()

    def sidecar(self, audio: bytes) -> bytes:
        """The event as it was published, and what the sound file holds."""
        described = {
            "event": self.event,
            "audio": {
                "file": self.name + AUDIO,
                "start": self.clip.start,
                "stop": self.clip.stop,
                "rate": RATE,
                "gaps": self.gaps,
                "sha256": hashlib.sha256(audio).hexdigest(),
            },
        }
        return msgspec.json.format(msgspec.json.encode(described)) + b"\n"
