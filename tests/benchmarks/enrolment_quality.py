"""What enrolling notices in real speech: a second voice, somebody who is enrolled already, a telephone.

    python tests/benchmarks/enrolment_quality.py FOLDER [--model builtin] [--seed 7]

FOLDER holds CORPUS/SPEAKER/*.opus (or wav, flac, ogg). Recordings are joined from one speaker's files, with
or without a stretch of another speaker of the same corpus, and enrolled as `earwitness enroll --file` would;
each is also sent through 8 kHz. Prints the share of recordings noticed, and of how many.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from earwitnessd.assemble import find_calibrator
from earwitnessd.capture.messages import RATE, Samples
from earwitnessd.engines import Embedder, open_embedder
from earwitnessd.enroll.collector import Collector, Progress, Template
from earwitnessd.enroll.company import Alike
from earwitnessd.enroll.errors import EnrolmentRefusedError
from earwitnessd.enroll.likeness import Likeness
from earwitnessd.enroll.recording import windows_of
from earwitnessd.evaluation.audio import read
from earwitnessd.models import open_model
from earwitnessd.settings.enrolment import Enrolment
from earwitnessd.settings.root import Settings

OTHER_S = (4.0, 6.0, 10.0)
OWN_S = 20.0
LEAST_S = 14.0  # of a speaker's audio
PAUSE_S = 0.25
KINDS = {".opus", ".wav", ".flac", ".ogg"}
SETTINGS = Settings(enrolment=Enrolment(min_speech_s=5.0))


@dataclass(frozen=True, eq=False)
class Enrolled:
    """One recording after enrolling."""

    end: Progress
    template: Template | None
    # None: refused


@dataclass(frozen=True, eq=False)
class Bench:
    """What all recordings are enrolled with."""

    embedder: Embedder
    likeness: Likeness
    random: np.random.Generator

    def enrol(self, samples: Samples) -> Enrolled | None:
        """As a recording that was sent; None if the daemon would ask for more speech."""
        collector = Collector(self.likeness, SETTINGS.enrolment)
        windows = list(windows_of(samples, SETTINGS))
        used = [window for window in windows if not window.reasons]
        if not used:
            return None
        vectors = iter(self.embedder.embed(np.stack([window.window.samples for window in used])))
        for window in windows:
            collector.add(window, None if window.reasons else next(vectors))
        if not collector.enough:
            return None
        end = collector.progress(windows[-1])
        try:
            return Enrolled(end, collector.finish())
        except EnrolmentRefusedError:
            return Enrolled(end, None)

    def said(self, files: list[Path], seconds: float) -> Samples:
        """Files of one speaker, joined by short pauses."""
        parts: list[Samples] = []
        for index in self.random.permutation(len(files)):
            if sum(map(len, parts)) >= seconds * RATE:
                break
            pause = self.random.standard_normal(round(PAUSE_S * RATE)).astype(np.float32) * 1e-4
            parts += [read(files[index]), pause]
        return np.concatenate(parts)[: round(seconds * RATE)]

    def mixed(self, own: list[Path], other: list[Path], seconds: float) -> Samples:
        """One speaker with so much of another: before, after, or in the middle."""
        mine, theirs = self.said(own, OWN_S), self.said(other, seconds)
        cut = round(len(mine) * float(self.random.choice([0.0, 0.5, 1.0])))
        return np.concatenate([mine[:cut], theirs, mine[cut:]])


def speakers(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Files by corpus and speaker; whoever has little is left out."""
    found: dict[str, dict[str, list[Path]]] = defaultdict(dict)
    for speaker in sorted(folder.glob("*/*/")):
        files = sorted(file for file in speaker.iterdir() if file.suffix in KINDS)
        if sum(len(read(file)) for file in files) >= LEAST_S * RATE:
            found[speaker.parent.name][speaker.name] = files
    return found


def telephone(samples: Samples) -> Samples:
    """Through 8 kHz and back."""
    return np.asarray(soxr.resample(soxr.resample(samples, RATE, 8000), 8000, RATE), dtype=np.float32)


def noticed(title: str, results: list[Enrolled | None]) -> None:
    """How many were refused or warned of for a second voice."""
    heard = [each for each in results if each is not None]
    refused = sum(each.template is None for each in heard)
    told = sum(each.end.second_voice is not None for each in heard)
    n = max(1, len(heard))
    print(f"{title}: told {told / n:.1%}, refused {refused / n:.1%} of {len(heard)} recordings")


def pairs(enrolled: dict[tuple[str, str], list[Template]]) -> Iterator[tuple[bool, Template, Template]]:
    """Two halves of one speaker, and of two speakers of one corpus."""
    for (corpus, name), own in enrolled.items():
        for (other_corpus, other_name), others in enrolled.items():
            if corpus == other_corpus and len(own) == len(others) == 2:
                yield name == other_name, own[0], others[1]


def similar(bench: Bench, enrolled: dict[tuple[str, str], list[Template]]) -> None:
    """How often a new profile is said to sound like one that is there."""
    alike = Alike.by(bench.likeness.threshold, bench.likeness.calibrator, SETTINGS.decision)
    said: dict[bool, list[bool]] = {True: [], False: []}
    for same, one, other in pairs(enrolled):
        agreement = bench.likeness.one(one.vector, one.speech_s, other.vector, other.speech_s)
        said[same].append(alike.reached_by(agreement))
    print(f"sounds like an enrolled person: {np.mean(said[True]):.1%} of {len(said[True])} who are enrolled")
    print(
        f"sounds like an enrolled person: {np.mean(said[False]):.2%} of {len(said[False])} pairs of strangers"
    )


def channels(title: str, results: list[Enrolled | None]) -> None:
    """What they are taken for."""
    kinds = [each.end.channel or "not told" for each in results if each is not None]
    shares = {kind: kinds.count(kind) / max(1, len(kinds)) for kind in sorted(set(kinds))}
    told = ", ".join(f"{kind} {share:.1%}" for kind, share in shares.items())
    print(f"{title}: {told} of {len(kinds)}")


def main() -> None:
    """Enrol everybody, alone and with others."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--model", default="builtin")
    arguments.add_argument("--seed", type=int, default=7)
    given = arguments.parse_args()
    model = open_model(given.model)
    embedder = open_embedder(model, device="cpu", threads=1)
    calibrator = find_calibrator(SETTINGS.decision, embedder.model_id, model.directory)
    threshold = model.threshold or (calibrator.calibration.threshold if calibrator else 0.86)
    bench = Bench(embedder, Likeness(threshold, calibrator), np.random.default_rng(given.seed))
    people = speakers(given.folder)
    enrolled: dict[tuple[str, str], list[Template]] = {}
    alone: dict[str, list[Enrolled | None]] = defaultdict(list)
    line: dict[str, list[Enrolled | None]] = defaultdict(list)
    mixed: dict[float, list[Enrolled | None]] = defaultdict(list)
    for corpus, names in people.items():
        for name, files in names.items():
            said = bench.said(files, OWN_S)
            alone[corpus].append(bench.enrol(said))
            line[corpus].append(bench.enrol(telephone(said)))
            halves = [bench.enrol(bench.said(half, OWN_S)) for half in (files[::2], files[1::2]) if half]
            enrolled[corpus, name] = [each.template for each in halves if each and each.template]
            for seconds in OTHER_S:
                other = files
                while other is files:
                    other = names[str(bench.random.choice(list(names)))]
                mixed[seconds].append(bench.enrol(bench.mixed(files, other, seconds)))
    print(f"{embedder.model_id}, {sum(map(len, people.values()))} speakers")
    for corpus, results in alone.items():
        noticed(f"one voice, {corpus}", results)
    noticed("one voice, all", [each for results in alone.values() for each in results])
    for seconds, results in mixed.items():
        noticed(f"{seconds:.0f} s of a second voice in {OWN_S:.0f} s", results)
    similar(bench, enrolled)
    for corpus, results in alone.items():
        channels(f"channel of {corpus}", results)
    channels("channel after 8 kHz", [each for results in line.values() for each in results])


if __name__ == "__main__":
    main()
