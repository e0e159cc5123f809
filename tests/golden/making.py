"""Replays the bundled conversation with both voices enrolled, by a tiny random model that never changes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earwitnessd.demo.conversation import FOLDER, load_conversation
from earwitnessd.private import private_daemon
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import FileReplay
from tests.models import making

GOLDEN = Path(__file__).parent / "conversation.jsonl"
SEED = 7
DECISION = {"threshold": 0.961, "hysteresis": 0.02, "min_margin": 0.014, "unknown_windows": 3}
CLEARANCE = 4e-4
# no cosine may come so near to where it would decide otherwise: processors differ in the last digits
TOLERANCE = 1e-4  # of any number, from one processor to another
OF_THIS_RUN = ("boot", "time", "latency_ms")  # what the README says is not the same each time
WITHIN_S = 100.0

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Set:
    """What a replay depends on, besides the recording."""

    model: Path
    profiles: Path

    @classmethod
    def make(cls, folder: Path) -> Set:
        """A model, and both voices enrolled with it by a real daemon."""
        made = cls(folder / "tiny", folder / "profiles.db")
        making.write_model(made.model, seed=SEED)
        described = {"name": "tiny", "threshold": 0.5, "licence": "Apache-2.0"}
        (made.model / "earwitness.json").write_text(json.dumps(described), encoding="utf-8")
        conversation = load_conversation()
        silent = FileReplay(path=str(FOLDER / conversation.file), paused=True)
        settings = Settings(model=str(made.model), streams={"talk": silent}, profiles=str(made.profiles))
        with private_daemon(lambda _: settings) as daemon:
            for enrolment in conversation.enrolments:
                daemon.control.enroll_audio(enrolment.speaker, FOLDER / enrolment.file)
        return made

    def replay(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`earwitnessd replay` in a process of its own."""
        command = [sys.executable, "-m", "earwitnessd", "replay", "--profiles", str(self.profiles)]
        command += ["--set", f"model={self.model}"]
        for key, value in DECISION.items():
            command += ["--set", f"decision.{key}={value}"]
        command += arguments
        return subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)


def conversation() -> str:
    """The bundled recording."""
    return str(FOLDER / load_conversation().file)


def events_of(output: str) -> list[Line]:
    """What must be the same each time, of every line."""
    events: list[Line] = [json.loads(line) for line in output.splitlines()]
    return [{key: value for key, value in event.items() if key not in OF_THIS_RUN} for event in events]


def clearance(events: Sequence[Line]) -> float:
    """The least distance of any cosine or margin to where it would decide otherwise."""
    scores: list[list[float]] = [[score["cosine"] for score in event.get("scores", ())] for event in events]
    bars = (DECISION["threshold"], DECISION["threshold"] - DECISION["hysteresis"])
    distances = [abs(cosines[0] - bar) for cosines in scores if cosines for bar in bars]
    distances += [abs(first - second - DECISION["min_margin"]) for first, second in filter(None, scores)]
    return min(distances)


def write(events: Sequence[Line], file: Path) -> None:
    """One event a line."""
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
