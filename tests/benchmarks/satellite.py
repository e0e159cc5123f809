"""What a satellite costs, all its processes together, and what one costs the daemon.

`python -m tests.benchmarks.satellite [--seconds 60] [--satellites 1]`. Where a virtual microphone runs, the
first satellite hears it through PortAudio, the others a recording. Memory is PSS: shared pages count in part.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from tests import virtual_microphone
from tests.daemon.harness import children_of
from tests.satellite.field import Field, endless

from earwitness.events import Heartbeat
from earwitnessd.demo.conversation import FOLDER, load_conversation

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Of some processes."""

    pss_mb: float
    cpu_s: float


def cost(pids: list[int]) -> Cost:
    """At this moment; CPU since their start."""
    pss_kb = cpu = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        pss_kb += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        cpu += int(fields[11]) + int(fields[12])
    return Cost(pss_kb / 1024, cpu / TICKS_PER_S)


def measure(
    label: str,
    send: str,
    seconds: float,
    satellites: int,
    heard: dict[str, object],
    environment: dict[str, str],
) -> None:
    conversation = str(FOLDER / load_conversation().file)
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        settings = {"speech_gate": {"type": "energy"}}
        field = Field(Path(folder), settings)
        for number in range(satellites):
            source = heard if number == 0 and heard else endless(conversation)
            field.place(f"room-{number}", source, environment, send=send)
        with field:
            for name in field.satellites:
                field.until_live(name, within_s=60)
            first = field.satellites["room-0"].process.pid
            pids = [first, *children_of(first)]
            before, began_s = cost(pids), time.monotonic()
            carried = field.cables["room-0"].carried
            uptime_s = field.daemon.heartbeat().uptime_s
            field.daemon.wait_for(Heartbeat, lambda beat: beat.uptime_s >= uptime_s + seconds, seconds + 30)
            after, took_s = cost(pids), time.monotonic() - began_s
            share = 100 * (after.cpu_s - before.cpu_s) / took_s
            rate = (field.cables["room-0"].carried - carried) / took_s / 1000
            _, link = field.until_live("room-0")
            print(
                f"{label:<24} {len(pids)} processes: {after.pss_mb:.1f} MB, {share:.2f} % of a core,"
                f" {rate:.1f} kB/s; round trip {link.round_trip_ms or 0:.1f} ms, clock off"
                f" {link.clock_offset_ms or 0:+.3f} ms, drift {link.drift_ppm or 0:+.1f} ppm"
            )


def gateway_cost(messages: int) -> None:
    """Microseconds of the daemon's main thread for a block of a quarter of a second."""
    from tests.satellite.said import audio as block  # noqa: PLC0415
    from tests.satellite.said import made_ns, opened, packed  # noqa: PLC0415

    from earwitnessd.capture.words import decode, encode  # noqa: PLC0415
    from earwitnessd.satellite import link as words  # noqa: PLC0415
    from earwitnessd.satellite.conduct import Conduct  # noqa: PLC0415
    from earwitnessd.satellite.hearsay import Hearsay  # noqa: PLC0415

    hearsay, conduct = Hearsay("room", lambda: "boot-room-1"), Conduct()
    hearsay.take(opened(), 0, made_ns(0), made_ns(0))
    frames = [packed(block(number))[1] for number in range(messages)]
    envelope = words.encode(words.Block(number=1))
    began_s = time.perf_counter()
    for number, (header, data) in enumerate(frames):
        words.from_satellite(envelope)
        conduct.count(len(data), number / 4)
        for said in hearsay.take(decode(header), len(data), made_ns(number), made_ns(number)):
            encode(said)
    took_us = (time.perf_counter() - began_s) / messages * 1e6
    of_64 = took_us * 4 * 64 / 1e4
    print(f"gateway: {took_us:.0f} us a block without its sockets; {of_64:.2f} % of a core for 64 satellites")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--satellites", type=int, default=1)
    arguments = parser.parse_args()
    gateway_cost(20_000)
    for send in ("everything", "speech"):
        with microphone() as (heard, environment):
            measure(send, send, arguments.seconds, arguments.satellites, heard, environment)
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        quiet = endless(quiet_room(Path(folder)))
        measure("speech, in a quiet room", "speech", arguments.seconds, 1, quiet, dict(os.environ))


def quiet_room(folder: Path) -> str:
    """A recording in which nobody speaks."""
    file = folder / "quiet.wav"
    noise = np.random.default_rng(0).standard_normal(60 * 16_000) * 10 ** (-60 / 20)
    soundfile.write(file, noise, 16_000, subtype="PCM_16")
    return str(file)


@contextmanager
def microphone() -> Iterator[tuple[dict[str, object], dict[str, str]]]:
    """A device that speaks for ever; nothing where it cannot be."""
    if virtual_microphone.why_not():
        yield {}, dict(os.environ)
        return
    folder = Path(tempfile.mkdtemp(prefix="ew", dir="/tmp"))
    try:
        with virtual_microphone.VirtualMicrophone(folder) as made:
            samples, _ = soundfile.read(FOLDER / load_conversation().file, dtype="int16")
            made.say_for_ever(samples)
            yield {"source": "microphone", "device": made.device}, dict(made.environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
