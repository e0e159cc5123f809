"""Clocks that jump: the wall clock means nothing, the sleep of the machine ends what was said before it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from earwitness.events import SpeakerLost, SpeakerVerified, StreamLost, StreamOpened, WindowScored
from tests.soaking.soak import Feeder
from tests.voices import ANNA_HZ, talking

from .clocks import HOUR_S, YEAR_S, Clocks
from .compiled import why_not
from .patient import Patient
from .prices import Price

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

NIGHT_S = 8 * HOUR_S


@pytest.fixture
def line(tmp_path: Path) -> Iterator[dict[str, object]]:
    """A stream on which Anna talks as if into a microphone."""
    feeder = Feeder(tmp_path / "line", (talking(ANNA_HZ, 10.0) * 32767).astype("int16"))
    feeder.start()
    yield {"source": "pipe", "path": str(tmp_path / "line")}
    feeder.over.set()
    feeder.join(5.0)


def test_a_machine_that_slept_vouches_for_nobody_from_before(
    tmp_path: Path, line: dict[str, object], price: Price
) -> None:
    clocks = Clocks(tmp_path)
    settings = {"streams": {"desk": line, "tape": {"source": "file", "path": os.devnull, "paused": True}}}
    with Patient(tmp_path, settings, environment=clocks.environment) as daemon:
        daemon.enrol("anna")
        opened = daemon.wait_for(StreamOpened)
        daemon.wait_for(SpeakerVerified)
        clocks.sleep(NIGHT_S)
        woke_s = time.monotonic()
        gone = daemon.wait_for(SpeakerLost)
        lost = daemon.wait_for(StreamLost)
        assert (gone.previous, lost.stream_id, lost.final) == ("anna", opened.stream_id, False)
        assert lost.reason == "the machine slept for 28800 s"
        again = daemon.wait_for(StreamOpened)
        back_s = time.monotonic() - woke_s
        assert again.stream_id != opened.stream_id
        daemon.wait_for(SpeakerVerified, lambda event: event.stream_id == again.stream_id)
        beat = daemon.control.status().heartbeat
        assert beat.suspended_s == pytest.approx(NIGHT_S, abs=1.0)
        assert beat.streams[0].kills == 0
        unheard_s = beat.streams[0].lost_samples / 16_000
        assert unheard_s < 5.0
    price(
        "suspended for a night",
        lost=f"{unheard_s:.1f} s of audio after waking, counted",
        back_s=back_s,
        so="loses the verdict at once, opens microphones anew, tells `suspended_s`",
    )


@pytest.mark.slow
def test_a_wall_clock_that_jumps_changes_the_date_and_nothing_else(tmp_path: Path, price: Price) -> None:
    clocks = Clocks(tmp_path)
    jumps_s = {"an hour forth": HOUR_S, "an hour back": -HOUR_S, "ten years forth": 10 * YEAR_S}
    jumps_s["ten years back"] = -10 * YEAR_S
    with Patient(tmp_path, environment=clocks.environment) as daemon:
        daemon.enrol("anna")
        verified = daemon.wait_for(SpeakerVerified)
        told = [daemon.wait_for(WindowScored, lambda event: not event.replayed)]
        for words, jump_s in jumps_s.items():
            clocks.set_wall(jump_s)
            told += [daemon.wait_for(WindowScored) for _ in range(4)]
            ahead = datetime.fromisoformat(told[-1].time) - datetime.now(UTC)
            assert abs(ahead - timedelta(seconds=jump_s)) < timedelta(seconds=10)
            name = words.replace(" ", "-")
            daemon.enrol(name, "ben")
            assert name in daemon.names()
            daemon.control.delete_profile(name)
            price(f"the wall clock jumps {words}", lost="nothing", back_s=None, so="dates its events anew")
        beat = daemon.control.status().heartbeat
    assert [after.start - before.start for before, after in pairwise(told)] == [8000] * (len(told) - 1)
    stream = beat.streams[0]
    assert (stream.speaker, stream.stream_id) == ("anna", verified.stream_id)
    assert (stream.lost_samples, stream.restarts, beat.suspended_s) == (0, 0, 0.0)
