"""A recording sent for enrolment, heard through the same ring, gate and windows as a live stream."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import soundfile
import soxr

from earwitnessd.capture.messages import RATE, Audio, Opened, Samples
from earwitnessd.enroll.errors import RecordingError
from earwitnessd.hearing import HeardWindow, Hearing
from earwitnessd.settings.root import Settings

MAX_S = 600.0
BLOCK_S = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """A recording as samples at 16 kHz."""

    samples: Samples
    kind: str
    # of file, such as WAV
    native_rate: int
    # Hz


def windows_of(samples: Samples, settings: Settings) -> Iterator[HeardWindow]:
    """Windows of a recording, half overlapping: neighbours would tell the same again."""
    half = msgspec.structs.replace(settings.windows, hop_s=settings.windows.length_s / 2)
    return hear(samples, msgspec.structs.replace(settings, windows=half))


def hear(samples: Samples, settings: Settings) -> Iterator[HeardWindow]:
    """The windows of a recording, as a live stream's would be heard."""
    hearing = Hearing("recording", settings)
    now_ns = time.monotonic_ns()
    opened = Opened(
        stream=hearing.stream,
        stream_id="recording",
        monotonic_ns=now_ns,
        description="recording",
        native_rate=RATE,
        native_channels=1,
        paced=False,
    )
    hearing.on_message(opened, None)
    block = round(BLOCK_S * RATE)
    for position in range(0, len(samples), block):
        audio = Audio(stream=hearing.stream, stream_id="recording", monotonic_ns=now_ns, position=position)
        hearing.on_message(audio, samples[position : position + block])
        yield from hearing.take_due(hearing.due)


def decode(recording: bytes) -> Decoded:
    """The samples of a sound file in any format; RecordingError if it is none, too long or silent."""
    try:
        return _decode(recording)
    except MemoryError:
        raise RecordingError(
            "there is not enough memory for this recording: send a shorter one, or give the daemon more"
        ) from None


def _decode(recording: bytes) -> Decoded:
    try:
        with soundfile.SoundFile(io.BytesIO(recording)) as file:
            if file.frames > MAX_S * file.samplerate:
                minutes = file.frames / file.samplerate / 60
                raise RecordingError(
                    f"the recording lasts {minutes:.0f} minutes: send at most {MAX_S / 60:.0f}"
                )
            frames = file.read(dtype="float32", always_2d=True)
            rate: int = file.samplerate
            kind: str = file.format
    except soundfile.LibsndfileError as error:
        start = recording[:8].hex(" ")
        raise RecordingError(
            f"not a sound file that can be read ({error.error_string.rstrip('.')}; it begins with {start}): "
            "send wav, flac, ogg or mp3"
        ) from None
    mono = np.nan_to_num(frames.mean(axis=1), posinf=1.0, neginf=-1.0)
    if not mono.any():
        raise RecordingError("the recording is silent from beginning to end: nothing to enrol from")
    samples = np.asarray(soxr.resample(mono, rate, RATE), dtype=np.float32)
    return Decoded(samples, kind, rate)
