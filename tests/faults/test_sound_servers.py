"""A sound server that dies, stops and is restarted, again and again: each time the microphone comes back."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from earwitness.events import StreamLost, StreamOpened
from tests import virtual_microphone
from tests.soaking.sampling import sample
from tests.virtual_microphone import VirtualMicrophone
from tests.voices import ANNA_HZ, talking

from .patient import RATE, Patient
from .prices import Price

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(virtual_microphone.why_not()), reason=virtual_microphone.why_not()),
]

TIMES = 20
KILLS = 7
# the rest are polite restarts and freezes
STALL_AFTER_S = 0.8


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    with tempfile.TemporaryDirectory(prefix="ew") as folder, VirtualMicrophone(Path(folder)) as made:
        made.say_for_ever((talking(ANNA_HZ, 10.0) * 32767).astype("int16"))
        yield made


def test_twenty_deaths_freezes_and_restarts_of_the_sound_server_are_survived(
    tmp_path: Path, microphone: VirtualMicrophone, price: Price
) -> None:
    def freeze() -> None:
        microphone.freeze()
        threading.Event().wait(STALL_AFTER_S + 0.7)
        microphone.thaw()

    def die() -> None:
        microphone.kill()
        microphone.start()

    stream = {"source": "microphone", "device": microphone.device, "stall_after_s": STALL_AFTER_S}
    backs_s: dict[str, list[float]] = {"killed": [], "frozen": [], "restarted": []}
    ways: dict[str, Callable[[], None]] = {"killed": die, "frozen": freeze, "restarted": microphone.restart}
    with Patient(tmp_path, {"streams": {"desk": stream}}, environment=microphone.environment) as daemon:
        opened = daemon.wait_for(StreamOpened)
        boot, before = daemon.control.status().boot, sample(daemon.pid, 0.0)
        for number in range(TIMES):
            way = list(ways)[number % len(ways)]
            ways[way]()
            there_s = time.monotonic()
            old = opened
            daemon.wait_for(StreamLost, lambda event, old=old: event.stream_id == old.stream_id)  # type: ignore[misc]
            opened = daemon.wait_for(StreamOpened)
            backs_s[way].append(time.monotonic() - there_s)
        beat, after = daemon.control.status(), sample(daemon.pid, 0.0)
        assert beat.boot == boot
        assert beat.heartbeat.streams[0].opened == TIMES + 1
        assert (after.descriptors, after.threads, after.children) == (
            before.descriptors,
            before.threads,
            before.children,
        )
    lost_s = beat.heartbeat.streams[0].lost_samples / RATE
    for way, seconds in backs_s.items():
        assert max(seconds) < 5.0
        price(
            f"the server is {way}, {len(seconds)} times of {TIMES}",
            lost=f"{lost_s / TIMES:.1f} s of audio each, counted",
            back_s=max(seconds),
            so=f"opens it anew, in {median(seconds):.1f} s mostly; no descriptor is left behind",
        )
