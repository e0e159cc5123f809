"""Makes a whole set: conversations with their turns, enrolments, and the lists that `evaluate` reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
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
    enrolled, strangers = cast(long_enough(folders, order.enrolment_s + LEAST_TALK_S), order)
    for folder in ("enrolments", "recordings"):
        (output / folder).mkdir(parents=True, exist_ok=True)
    voices: dict[str, Voice] = {}

    def voice(folder: Folder) -> Voice:
        if folder.speaker not in voices:
            voices[folder.speaker] = load_voice(folder, order.enrolment_s, LEAST_TALK_S, order.gate)
        return voices[folder.speaker]

    lines = []
    for number, person in enumerate(enrolled):
        file = Path("enrolments") / f"{person.speaker}{order.suffix}"
        _write(output / file, _enrolment(voice(person), np.random.default_rng([order.seed, 1, number])))
        lines.append(f"{person.speaker} {file.as_posix()}\n")
        tick(number + 1, len(enrolled) + order.recordings)
    (output / ENROLMENTS).write_text("".join(lines), encoding="utf-8")
    lines, described = [], []
    for number in range(order.recordings):
        random = np.random.default_rng([order.seed, 2, number])
        present = [voice(folder) for folder in _present(enrolled, strangers, order.voices, random)]
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


def cast(folders: Sequence[Folder], order: Order) -> tuple[list[Folder], list[Folder]]:
    """Who is enrolled and who is a stranger, drawn from the seed."""
    needed = max(order.enrolled, order.voices, 1)
    if len(folders) < needed:
        raise SimulationError(
            f"{len(folders)} speakers with {order.enrolment_s + LEAST_TALK_S:.0f} s of audio; "
            f"expected at least {needed}, for those enrolled and for the voices of a recording"
        )
    shuffled = np.random.default_rng([order.seed, 0]).permutation(len(folders)).tolist()
    enrolled = sorted(shuffled[: order.enrolled])
    return [folders[index] for index in enrolled], [
        folders[index] for index in sorted(shuffled[order.enrolled :])
    ]


def _present(
    enrolled: Sequence[Folder], strangers: Sequence[Folder], voices: int, random: np.random.Generator
) -> list[Folder]:
    """Half enrolled, half strangers, as far as there are some."""
    known = min(len(enrolled), max((voices + 1) // 2, voices - len(strangers)))
    chosen = [enrolled[index] for index in random.permutation(len(enrolled))[:known].tolist()]
    others = random.permutation(len(strangers))[: voices - known].tolist()
    return [*chosen, *(strangers[index] for index in others)]


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
