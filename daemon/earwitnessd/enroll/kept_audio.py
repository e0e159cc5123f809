"""The audio of an enrolment's windows as one value, from which another model can make its template; pure."""

from __future__ import annotations

import io
from collections.abc import Sequence

import msgspec
import numpy as np
import soundfile

from earwitnessd.enroll.taken import TakenWindow
from earwitnessd.score import Vector

RATE = 16_000
KIND = {"format": "FLAC", "subtype": "PCM_16"}

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class KeptWindow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One of them."""

    at: int
    # sample of the recording where it begins
    start: int
    # sample of the session
    stop: int
    speech_s: float
    new_speech_s: float
    clipped: float
    snr_db: float | None


class KeptAudio(msgspec.Struct, frozen=True, kw_only=True):
    """A session. Never written anywhere but encrypted."""

    flac: bytes
    # 16 kHz, one channel: what the windows hold, without what lies between them
    windows: tuple[KeptWindow, ...]

    def samples(self) -> Floats:
        """As they were heard, to 16 bits."""
        samples, _ = soundfile.read(io.BytesIO(self.flac), dtype="float32")
        return np.asarray(samples, np.float32)

    def taken(self, vectors: Sequence[Vector]) -> list[TakenWindow]:
        """The windows with their embeddings by another model, one each."""
        return [
            TakenWindow(
                start=kept.start,
                stop=kept.stop,
                speech_s=kept.speech_s,
                new_speech_s=kept.new_speech_s,
                clipped=kept.clipped,
                snr_db=kept.snr_db,
                vector=vector,
            )
            for kept, vector in zip(self.windows, vectors, strict=True)
        ]


class AudioKeeper:
    """Gathers the windows of one session; what overlaps is kept once."""

    def __init__(self) -> None:
        self._stretches: list[Floats] = []
        self._windows: list[KeptWindow] = []
        self._length = self._heard_to = 0
        # samples kept; where they end in the session

    def add(self, taken: TakenWindow, samples: Floats) -> None:
        """The next window, by its beginning."""
        old = max(0, self._heard_to - taken.start) if self._windows else 0
        fresh = np.array(samples[old:], np.float32)  # a copy: the ring goes on
        self._stretches.append(fresh)
        at = self._length - old
        self._length += len(fresh)
        self._heard_to = taken.stop
        self._windows.append(
            KeptWindow(
                at=at,
                start=taken.start,
                stop=taken.stop,
                speech_s=taken.speech_s,
                new_speech_s=taken.new_speech_s,
                clipped=taken.clipped,
                snr_db=taken.snr_db,
            )
        )

    def kept(self) -> bytes:
        """The session, to be sealed at once; empty if there was no window."""
        if not self._windows:
            return b""
        file = io.BytesIO()
        soundfile.write(file, np.clip(np.concatenate(self._stretches), -1.0, 1.0), RATE, **KIND)
        return msgspec.msgpack.encode(KeptAudio(flac=file.getvalue(), windows=tuple(self._windows)))


def read_kept(content: bytes) -> KeptAudio:
    """Undo `kept`; ValueError or a MsgspecError if it is none."""
    audio = msgspec.msgpack.decode(content, type=KeptAudio)
    if len({kept.stop - kept.start for kept in audio.windows}) != 1:
        raise ValueError("it has no windows, or some of different lengths")
    return audio
