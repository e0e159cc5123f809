"""Voices made of tones, a capture process that says what it is told to, and an embedder that knows tones."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from earwitnessd.capture.messages import RATE, Alive, Audio, Ended, LossReason, Lost, Opened, Samples
from earwitnessd.decide import Rules
from earwitnessd.demo.conversation import FOLDER
from earwitnessd.engines import Vectors, Windows
from earwitnessd.models import Model
from earwitnessd.settings.enrolment import Enrolment
from earwitnessd.settings.root import Settings
from earwitnessd.settings.speech_gate import SpeechGateSettings

ANNA_HZ = 250.0
BEN_HZ = 850.0
EVE_HZ = 1450.0
BANDS = 20  # of 100 Hz each
NS = 1_000_000_000

ENERGY = Settings(speech_gate=SpeechGateSettings(type="energy"), enrolment=Enrolment(min_speech_s=2.0))


def room(seconds: float, level: float = 0.0005, seed: int = 1) -> Samples:
    """A quiet room."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * level
    return samples.astype(np.float32)


def talking(pitch_hz: float, seconds: float, *, level: float = 0.3, seed: int = 1) -> Samples:
    """Syllables of 0.35 s with pauses of 0.15 s between them."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    syllables = (time_s % 0.5) < 0.35
    tone = level * np.sin(2 * np.pi * pitch_hz * time_s) * syllables
    return (tone + room(seconds, seed=seed)).astype(np.float32)


def speech(seconds: float = 12.0) -> Samples:
    """A voice in a quiet room at 16 kHz."""
    samples, rate = soundfile.read(FOLDER / "enrol_anna.ogg", dtype="float32")
    assert rate == RATE
    quiet = room(seconds, 0.001)
    mixed: Samples = (samples[: len(quiet)] + quiet[: len(samples)]).astype(np.float32)
    return mixed


def telephone(samples: Samples, noise: float = 0.0) -> Samples:
    """Through 8 kHz and eight bits by the mu-law, as on a line."""
    narrow = soxr.resample(samples, RATE, 8000)
    steps = np.round(127 * np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256)) / 127
    line = np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255
    wide = soxr.resample(line, 8000, RATE)[: len(samples)]
    mixed: Samples = (wide + room(len(wide) / RATE, noise, seed=9)[: len(wide)]).astype(np.float32)
    return mixed


def sound_file(samples: Samples, rate: int = RATE, kind: str = "WAV", subtype: str | None = None) -> bytes:
    """The bytes of a recording."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


class ToneEmbedder:
    """Embeds by pitch: an `Embedder` that needs no model."""

    model_id = "tones@0000"
    device = "a test"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def embed(self, windows: Windows) -> Vectors:
        self.batches.append(len(windows))
        powers = np.square(np.abs(np.fft.rfft(windows, axis=1)))
        hertz = np.fft.rfftfreq(windows.shape[1], 1 / RATE)
        bands = [
            powers[:, (hertz >= 100 * band) & (hertz < 100 * (band + 1))].sum(1) for band in range(BANDS)
        ]
        vectors = np.sqrt(np.stack(bands, axis=1))
        unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def warm_up(self, window_samples: int, batch: int) -> None:
        self.embed(np.ones((batch, window_samples), dtype=np.float32))
        self.batches.clear()


TONES = Model(
    name="tones",
    model_id=ToneEmbedder.model_id,
    directory=Path(),
    weights=Path(),
    normalise=False,
    threshold=0.8,
    licence="none",
)
TONE_RULES = Rules(
    threshold=0.8,
    hysteresis=0.05,
    min_margin=0.04,
    verify_windows=2,
    unknown_windows=3,
    ttl_s=6.0,
)


class Mouth:
    """One opening of a stream: makes its messages, counting the position."""

    def __init__(
        self,
        stream: str = "desk",
        stream_id: str = "desk-1",
        *,
        paced: bool = True,
        began_ns: int = 1000 * NS,
    ) -> None:
        self.stream = stream
        self.stream_id = stream_id
        self.position = 0
        self.paced = paced
        self._began_ns = began_ns

    @property
    def now_ns(self) -> int:
        """When the last sample so far was captured."""
        return self._began_ns + self.position * NS // RATE

    def opened(self) -> Opened:
        return Opened(
            stream=self.stream,
            stream_id=self.stream_id,
            monotonic_ns=self.now_ns,
            description="a test",
            native_rate=48_000,
            native_channels=2,
            paced=self.paced,
        )

    def audio(self, samples: Samples) -> Audio:
        """The message that comes with these samples."""
        start = self.position
        self.position += len(samples)
        return Audio(stream=self.stream, stream_id=self.stream_id, monotonic_ns=self.now_ns, position=start)

    def lost(self, samples: int, reason: LossReason = "overflow") -> Lost:
        start = self.position
        self.position += samples
        return Lost(
            stream=self.stream,
            stream_id=self.stream_id,
            monotonic_ns=self.now_ns,
            position=start,
            samples=samples,
            reason=reason,
        )

    def alive(
        self, *, overflows: int = 0, stalls: int = 0, zero_run_s: float = 0.0, unusable: int = 0
    ) -> Alive:
        return Alive(
            stream=self.stream,
            stream_id=self.stream_id,
            monotonic_ns=self.now_ns,
            overflows=overflows,
            stalls=stalls,
            zero_run_s=zero_run_s,
            clock_lag_ms=0.0,
            unusable_samples=unusable,
        )

    def ended(self, reason: str = "end of file", *, final: bool = True) -> Ended:
        return Ended(
            stream=self.stream,
            stream_id=self.stream_id,
            monotonic_ns=self.now_ns,
            reason=reason,
            final=final,
            position=self.position,
        )
