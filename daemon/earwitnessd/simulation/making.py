"""Makes a whole set: conversations with their turns, enrolments, and the lists that `evaluate` reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from earwitnessd.corpora.surroundings import Surroundings
from earwitnessd.evaluation.audio import RATE
from earwitnessd.evaluation.streams import ENROLMENTS
from earwitnessd.evaluation.turns import write_rttm
from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.simulation.conversation import Conversation, Manners, perform, plan
from earwitnessd.simulation.errors import SimulationError
from earwitnessd.simulation.surroundings import draw_noise
from earwitnessd.simulation.voices import LEVEL, Folder, Voice, Wave, load_voice, long_enough
from earwitnessd.version import VERSION

STREAMS = "streams.txt"
DESCRIPTION = "simulation.json"
ENROLMENT_SNR_DB = 30.0
LEAST_TALK_S = 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted."""

    recordings: int
    manners: Manners
    voices: int
    # in each recording
    enrolled: int
    # people, over the whole set; everybody else is a stranger
    enrolment_s: float
    seed: int
    suffix: str
    # ".flac" or ".wav"
    gate: SpeechGateSettings


def make(
    folders: Sequence[Folder],
    surroundings: Surroundings,
    order: Order,
    output: Path,
    tick: Callable[[int, int], None],
) -> None:
    """Write everything; each recording is drawn from the seed and its number alone."""
    if output.exists() and any(output.iterdir()):
        raise SimulationError(f"{output}: is not empty; choose a new folder")
    ensemble = Ensemble(order)
    enrolled, strangers = cast(long_enough(folders, order.enrolment_s + LEAST_TALK_S), order, ensemble)
    for folder in ("enrolments", "recordings"):
        (output / folder).mkdir(parents=True, exist_ok=True)
    lines = []
    for number, person in enumerate(enrolled):
        file = Path("enrolments") / f"{person.speaker}{order.suffix}"
        _write(
            output / file, _enrolment(ensemble.voice(person), np.random.default_rng([order.seed, 1, number]))
        )
        lines.append(f"{person.speaker} {file.as_posix()}\n")
        tick(number + 1, len(enrolled) + order.recordings)
    (output / ENROLMENTS).write_text("".join(lines), encoding="utf-8")
    lines, described = [], []
    for number in range(order.recordings):
        random = np.random.default_rng([order.seed, 2, number])
        folders = _present(enrolled, strangers, order, ensemble, random)
        present = [ensemble.voice(folder) for folder in folders]
        turns = plan([each.speaker for each in present], order.manners, random)
        made = perform(turns, present, order.manners, surroundings, random)
        name = f"conversation{number + 1:02d}"
        _write(output / "recordings" / f"{name}{order.suffix}", made.samples)
        write_rttm(output / "recordings" / f"{name}.rttm", name, made.turns)
        lines.append(f"recordings/{name}{order.suffix} recordings/{name}.rttm\n")
        described.append(_described(name, made))
        tick(len(enrolled) + number + 1, len(enrolled) + order.recordings)
    (output / STREAMS).write_text("".join(lines), encoding="utf-8")
    tree = {**asdict(order), "made_by": f"earwitnessd {VERSION}", "recordings": described}
    (output / DESCRIPTION).write_bytes(msgspec.json.format(msgspec.json.encode(tree), indent=2) + b"\n")


class Ensemble:
    """Everybody's voice, heard when first asked for: most of a large pool never is."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._voices: dict[str, Voice | None] = {}

    def speaks_enough(self, folder: Folder) -> bool:
        """For an enrolment and for conversations."""
        if folder.speaker not in self._voices:
            order = self._order
            self._voices[folder.speaker] = load_voice(folder, order.enrolment_s, LEAST_TALK_S, order.gate)
        return self._voices[folder.speaker] is not None

    def voice(self, folder: Folder) -> Voice:
        """Of somebody who speaks enough."""
        assert self.speaks_enough(folder)
        voice = self._voices[folder.speaker]
        assert voice is not None
        return voice


def cast(folders: Sequence[Folder], order: Order, ensemble: Ensemble) -> tuple[list[Folder], list[Folder]]:
    """Who is enrolled and who may be a stranger, drawn from the seed; who says too little is neither."""
    shuffled = np.random.default_rng([order.seed, 0]).permutation(len(folders)).tolist()
    chosen = list(islice((i for i in shuffled if ensemble.speaks_enough(folders[i])), order.enrolled))
    _check_enough(len(chosen), order.enrolled, order)
    after = shuffled.index(chosen[-1]) + 1
    return [folders[index] for index in sorted(chosen)], [
        folders[index] for index in sorted(shuffled[after:])
    ]


def _check_enough(found: int, needed: int, order: Order) -> None:
    if found < needed:
        raise SimulationError(
            f"{found} speakers with {order.enrolment_s + LEAST_TALK_S:.0f} s of speech; "
            f"expected at least {needed}, for those enrolled and for the voices of a recording"
        )


def _present(
    enrolled: Sequence[Folder],
    strangers: Sequence[Folder],
    order: Order,
    ensemble: Ensemble,
    random: np.random.Generator,
) -> list[Folder]:
    """Half enrolled, half strangers, as far as there are some who speak enough."""
    known = [enrolled[index] for index in random.permutation(len(enrolled)).tolist()]
    unknown = (strangers[index] for index in random.permutation(len(strangers)).tolist())
    half = min(len(known), (order.voices + 1) // 2)
    others = list(islice(filter(ensemble.speaks_enough, unknown), order.voices - half))
    present = [*known[: order.voices - len(others)], *others]
    _check_enough(len(present), order.voices, order)
    return present


def _enrolment(voice: Voice, random: np.random.Generator) -> Wave:
    """Clean, in a quiet place."""
    floor = LEVEL * 10 ** (-ENROLMENT_SNR_DB / 20) * draw_noise(Surroundings(), len(voice.enrolment), random)
    return np.asarray(np.clip(voice.enrolment + floor, -1.0, 1.0), dtype=np.float32)


def _described(name: str, made: Conversation) -> dict[str, object]:
    spoken = sorted({turn.speaker for turn in made.turns})
    return {
        "name": name,
        "speakers": spoken,
        "turns": len(made.turns),
        "snr_db": round(made.snr_db, 1),
        "reverberant": made.reverberant,
    }


def _write(file: Path, samples: Wave) -> None:
    soundfile.write(file, samples, RATE, subtype="PCM_16")
