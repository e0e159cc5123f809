"""A recording is cut into the same batches and judged alike however its audio happens to arrive."""

from __future__ import annotations

import msgspec
import pytest

from earwitness.events import Event, Latency, StreamLost, WindowScored
from earwitnessd.capture.messages import RATE, pack
from earwitnessd.hearing import RECORDED_BATCH

from ..voices import ANNA_HZ, BEN_HZ, ToneEmbedder, talking
from .engine import Engine

NO_TIME = Latency(capture=0.0, queue=0.0, embed=0.0, decide=0.0, total=0.0)


def heard(*, step_by_step: bool, beside_a_live_stream: bool) -> tuple[list[Event], list[int]]:
    """The events of one recording, and the batches in which its windows were embedded."""
    embedder = ToneEmbedder()
    with Engine(embedder, enrolled={"anna": ANNA_HZ, "ben": BEN_HZ}) as engine:
        if beside_a_live_stream:
            live = engine.open("door")
            engine.say(live, talking(BEN_HZ, 1.0))  # no whole window: it is never embedded
        mouth = engine.open("desk", paced=False)
        said = talking(ANNA_HZ, 11.3)
        for start in range(0, len(said), RATE):
            engine.say(mouth, said[start : start + RATE])
            if step_by_step:
                engine.until_obeyed()
        engine.send(pack(mouth.ended("end of file")), mouth)
        engine.until_said(StreamLost)
        events = [event for event in engine.events if getattr(event, "stream", "") == "desk"]
    timeless = [
        msgspec.structs.replace(event, latency_ms=NO_TIME) if isinstance(event, WindowScored) else event
        for event in events
    ]
    return timeless, embedder.batches


def test_the_batches_of_a_recording_follow_from_its_positions() -> None:
    _, batches = heard(step_by_step=False, beside_a_live_stream=False)
    assert batches == [RECORDED_BATCH, RECORDED_BATCH, 1]


@pytest.mark.parametrize("step_by_step", [True, False])
@pytest.mark.parametrize("beside_a_live_stream", [True, False])
def test_the_same_recording_gives_the_same_events_in_the_same_order(
    step_by_step: bool, beside_a_live_stream: bool
) -> None:
    once = heard(step_by_step=False, beside_a_live_stream=False)
    assert heard(step_by_step=step_by_step, beside_a_live_stream=beside_a_live_stream) == once
