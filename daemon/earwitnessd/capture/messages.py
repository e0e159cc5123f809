"""What a capture process says to the engine: frames of one ipc message, in the order they happened."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earwitnessd.capture.words import (
    RATE,
    Alive,
    AnyMessage,
    Audio,
    Encoding,
    Ended,
    LossReason,
    Lost,
    Message,
    Opened,
    Silent,
    decode,
    encode,
)

__all__ = [
    "RATE",
    "Alive",
    "AnyMessage",
    "Audio",
    "Encoding",
    "Ended",
    "LossReason",
    "Lost",
    "Message",
    "Opened",
    "Samples",
    "Silent",
    "pack",
    "unpack",
]

Samples = npt.NDArray[np.float32]
FULL_SCALE = np.float32(1 << 15)
QUIETEST_DBFS = -90.0
# below: a line without any sound, on which there is nothing to imitate


def pack(message: AnyMessage, samples: Samples | None = None) -> list[bytes]:
    """Frames for one multipart send."""
    frames = [encode(message)]
    if samples is not None:
        assert isinstance(message, Audio)
        frames.append(_to_bytes(samples, message.encoding))
    return frames


def unpack(frames: list[bytes]) -> tuple[AnyMessage, Samples | None]:
    """Undo `pack`; raises msgspec.DecodeError or ValueError on what `pack` did not make."""
    return heard(decode(frames[0]), frames[1:])


def heard(message: AnyMessage, data: list[bytes]) -> tuple[AnyMessage, Samples | None]:
    """A message with its samples, of which silence has none; ValueError if they are not what it says."""
    if isinstance(message, Silent):
        return _imitated(message)
    if not isinstance(message, Audio):
        return message, None
    if len(data) != 1:
        raise ValueError(f"audio message with {len(data)} frames of samples: expected 1")
    return message, _from_bytes(data[0], message.encoding)


def _to_bytes(samples: Samples, encoding: Encoding) -> bytes:
    if encoding == "f32":
        return np.ascontiguousarray(samples, dtype="<f4").tobytes()
    scaled = np.rint(samples * FULL_SCALE)
    data: bytes = np.clip(scaled, -32768, 32767).astype("<i2").tobytes()
    return data


def _from_bytes(data: bytes, encoding: Encoding) -> Samples:
    if encoding == "f32":
        return np.frombuffer(data, dtype="<f4")
    return np.frombuffer(data, dtype="<i2").astype(np.float32) / FULL_SCALE


def _imitated(silent: Silent) -> tuple[Audio, Samples]:
    """As loud as what was not sent: exact zeros beside speech would make any noise look like none."""
    samples = np.zeros(silent.samples, dtype=np.float32)
    if silent.level_dbfs > QUIETEST_DBFS:
        noise = np.random.default_rng(silent.position).standard_normal(silent.samples, dtype=np.float32)
        samples = noise * np.float32(10.0 ** (min(silent.level_dbfs, 0.0) / 20.0))
    audio = Audio(
        stream=silent.stream,
        stream_id=silent.stream_id,
        monotonic_ns=silent.monotonic_ns,
        position=silent.position,
    )
    return audio, samples
