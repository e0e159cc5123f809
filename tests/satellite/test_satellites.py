"""Three satellites, one daemon: what is cut or killed comes back, and what was lost is told and counted."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import soundfile

from earwitness.events import Heartbeat, StreamGap, StreamLost, StreamOpened
from tests import networks, virtual_microphone
from tests.networks import Switch
from tests.satellite.field import Field, endless
from tests.virtual_microphone import VirtualMicrophone

pytestmark = pytest.mark.slow

CUT_S = 20.0
RATE = 16_000
SHORT_BUFFER_S = 6.0


class Writer(threading.Thread):
    """Writes PCM into a FIFO as fast as it is taken, over and over."""

    def __init__(self, fifo: Path, recording: str) -> None:
        super().__init__(daemon=True)
        samples, _ = soundfile.read(recording, dtype="int16")
        self._pcm = samples.tobytes()
        self._fifo = fifo
        self._over = threading.Event()
        os.mkfifo(fifo)

    def run(self) -> None:
        with self._fifo.open("wb", buffering=0) as pipe:
            while not self._over.is_set():
                try:
                    pipe.write(self._pcm)
                except BrokenPipeError:
                    return

    def stop(self) -> None:
        self._over.set()


@contextmanager
def microphone() -> Iterator[tuple[dict[str, object], dict[str, str]]]:
    """A source and the environment in which it is there; the default source is a real PortAudio device."""
    folder = Path(f"/tmp/ew-{uuid.uuid4().hex[:8]}")
    folder.mkdir()
    try:
        with VirtualMicrophone(folder) as made:
            yield {"source": "microphone", "device": made.device}, dict(made.environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait(field: Field, seconds: float) -> None:
    """So long by the daemon's heartbeats."""
    until_s = field.daemon.heartbeat().uptime_s + seconds
    field.daemon.heartbeat(lambda beat: beat.uptime_s >= until_s, within_s=seconds + 20)


@pytest.mark.timeout(180)
@pytest.mark.skipif(bool(virtual_microphone.why_not()), reason=virtual_microphone.why_not() or "it can run")
def test_whatever_happens_to_three_satellites_each_comes_back_and_nothing_is_lost_untold(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    field = Field(tmp_path, {"model": tiny_model})
    fifo = tmp_path / "pcm"
    writer = Writer(fifo, recording)
    writer.start()
    with microphone() as (source, environment):
        field.place("desk", source, environment)
        field.place("kitchen", endless(recording))
        field.place("hall", {"source": "pipe", "path": str(fifo)}, buffer_s=SHORT_BUFFER_S)
        with field:
            for name in field.satellites:
                field.until_live(name, within_s=40)
            the_link_is_cut(field)
            a_satellite_is_killed(field)
            the_daemon_is_restarted(field)
            for name in field.satellites:
                stream, link = field.until_live(name, within_s=40)
                assert link.cuts == link.refused == 0
                assert stream.bad_messages == 0
        writer.stop()


def the_link_is_cut(field: Field) -> None:
    """For longer than the hall's satellite can keep, and less than the kitchen's can."""
    before = {name: field.until_live(name) for name in field.satellites}
    for name in ("kitchen", "hall"):
        field.cables[name].cut()
    wait(field, CUT_S)
    for name in ("kitchen", "hall"):
        field.cables[name].mend()
    events = field.daemon.collect_until(
        Heartbeat, lambda beat: all(field.is_live(name, beat) for name in field.satellites), within_s=40
    )
    stream, link = field.until_live("kitchen")
    assert link.lost_samples == 0
    assert stream.gaps == 0
    assert stream.lost_samples < RATE  # it heard, late, what was said meanwhile
    stream, link = field.until_live("hall")
    assert link.lost_samples / RATE == pytest.approx(CUT_S - SHORT_BUFFER_S, abs=4.0)
    gaps = [event for event in events if isinstance(event, StreamGap)]
    assert [(gap.stream, gap.reason, gap.samples) for gap in gaps] == [("hall", "link", link.lost_samples)]
    assert stream.gaps == 1
    assert abs(stream.lost_samples - link.lost_samples) < RATE
    assert field.until_live("desk")[0].opened == before["desk"][0].opened


def a_satellite_is_killed(field: Field) -> None:
    satellite = field.satellites["kitchen"]
    opened = field.until_live("kitchen")[0].stream_id
    satellite.stop(signal.SIGKILL)
    lost = field.daemon.wait_for(StreamLost, lambda event: event.stream_id == opened)
    assert "nothing came from the satellite" in lost.reason
    satellite.start()
    stream, _ = field.until(
        "kitchen", lambda stream, _: stream.state == "live" and stream.stream_id != opened, within_s=40
    )
    assert stream.lost_samples > 0  # while nobody listened


def the_daemon_is_restarted(field: Field) -> None:
    assert field.daemon.stop() == 0
    field.daemon.start()
    for name in field.satellites:
        stream, link = field.until_live(name, within_s=40)
        assert (stream.opened, stream.lost_samples) == (1, link.lost_samples)
        assert link.lost_samples == 0 or name == "hall"  # the others can keep more than a restart takes


@pytest.mark.timeout(120)
def test_a_cable_that_is_pulled_for_a_while_loses_nothing(
    tmp_path: Path, tiny_model: str, recording: str
) -> None:
    if why := networks.why_not():
        pytest.skip(why)
    with Switch() as switch:
        cable = switch.cable()
        field = Field(tmp_path, {"model": tiny_model}, address=switch.address, cables=False)
        satellite = field.place("barn", endless(recording))
        satellite.within(*cable.enter)
        with field:
            opened = field.until_live("barn")[0].stream_id
            cable.pull()
            events = field.daemon.collect_until(StreamLost, lambda event: event.stream == "barn")
            wait(field, CUT_S - 4.0)
            cable.plug()
            events += field.daemon.collect_until(StreamOpened, lambda event: event.stream == "barn")
            assert not any(isinstance(event, StreamGap) for event in events)
            stream, link = field.until_live("barn", within_s=40)
            assert stream.stream_id != opened
            assert (link.lost_samples, stream.gaps, link.links) == (0, 0, link.links)
            assert stream.lost_samples < RATE
