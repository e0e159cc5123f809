"""The pool of labelled clips, decoded once into one memory-mapped file of 16-bit samples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import scipy.ndimage
import soundfile
import soxr
from numpy.typing import NDArray

from earwitnessd.corpora.clips import Clip, clips_in
from earwitnessd.training.errors import TrainingError
from earwitnessd.training.settings import DataSettings

RATE = 16000
FRAME = RATE // 50
LOUD = 0.9
# quantile of the frames' levels
MARGIN = 5
# frames around speech that are kept
SHORTEST_CLIP_S = 0.8


@dataclass(frozen=True, eq=False)
class Pool:
    """All clips of a run, laid end to end."""

    samples: NDArray[np.int16]
    start: NDArray[np.int64]
    # samples, one per clip
    length: NDArray[np.int64]
    # samples
    speaker: NDArray[np.int64]
    # index into speakers
    speakers: list[str]

    def clips_by_speaker(self) -> list[NDArray[np.int64]]:
        """For each speaker, the indices of its clips."""
        order = np.argsort(self.speaker, kind="stable")
        ends = np.cumsum(np.bincount(self.speaker, minlength=len(self.speakers)))[:-1]
        return np.split(order, ends)


def list_clips(root: Path, settings: DataSettings) -> list[Clip]:
    """The clips of the corpora that are wanted, with one name for whoever is known under two."""
    kept = [
        replace(clip, speaker=_merged(clip.speaker, settings.same_speakers))
        for clip in clips_in(root)
        if clip.corpus not in settings.exclude
    ]
    if len({clip.speaker for clip in kept}) < 2:
        raise TrainingError(f"{root}: expected an index.tsv or at least two folders <speaker>/ with audio")
    return kept


def open_pool(root: Path, settings: DataSettings, cache: Path, tick: Callable[[int, int], None]) -> Pool:
    """Decode the pool into `cache`, or map what an earlier run decoded there."""
    clips = list_clips(root, settings)
    name = hashlib.sha256(
        json.dumps([str(root.resolve()), settings.trim_db, [asdict(clip) for clip in clips]]).encode()
    ).hexdigest()
    data, table = cache / f"pool-{name[:16]}.i16", cache / f"pool-{name[:16]}.npy"
    if not table.exists():  # written last, so its presence means that the samples are whole
        cache.mkdir(parents=True, exist_ok=True)
        np.save(table, _decode(root, clips, data, settings.trim_db, tick))
    lengths: NDArray[np.int64] = np.load(table)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    usable = np.flatnonzero(lengths >= SHORTEST_CLIP_S * RATE)
    used = [clips[index] for index in usable]
    speakers = sorted({clip.speaker for clip in used})
    number = {speaker: index for index, speaker in enumerate(speakers)}
    return Pool(
        samples=np.memmap(data, dtype=np.int16, mode="r"),
        start=starts[usable],
        length=lengths[usable],
        speaker=np.array([number[clip.speaker] for clip in used], dtype=np.int64),
        speakers=speakers,
    )


def _merged(speaker: str, same_speakers: dict[str, str]) -> str:
    corpus, _, name = speaker.partition("/")
    return f"{same_speakers[corpus]}/{name}" if corpus in same_speakers else speaker


def without_pauses(wave: NDArray[np.int16], trim_db: float) -> NDArray[np.int16]:
    """What is less than `trim_db` below the loud parts, with a margin."""
    frames = wave[: len(wave) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float32)
    if not trim_db or not len(frames):
        return wave
    level = 10 * np.log10(np.mean(frames * frames, axis=1) + 1.0)
    loud = level > np.quantile(level, LOUD) - trim_db
    kept = scipy.ndimage.binary_dilation(loud, iterations=MARGIN)
    return np.asarray(frames[kept].astype(np.int16).ravel())


def _decode(
    root: Path, clips: list[Clip], data: Path, trim_db: float, tick: Callable[[int, int], None]
) -> NDArray[np.int64]:
    lengths = np.zeros(len(clips), np.int64)
    opened, wave = "", np.zeros(0, np.int16)
    with data.open("wb") as sink:
        for index, clip in enumerate(clips):
            if clip.file != opened:
                opened, wave = clip.file, _read(root / clip.file)
            part = without_pauses(wave[clip.cut(len(wave), RATE)], trim_db)
            lengths[index] = len(part)
            sink.write(part.tobytes())
            tick(index + 1, len(clips))
    return lengths


def _read(path: Path) -> NDArray[np.int16]:
    try:
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise TrainingError(f"{path}: cannot be read as audio: {error}") from None
    mono: NDArray[np.float32] = wave.mean(axis=1)
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE)
    return np.asarray(np.clip(np.rint(mono * 32767.0), -32768, 32767), dtype=np.int16)
