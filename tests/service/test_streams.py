"""Who captures a stream learns from the events whether somebody speaks there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest

from earwitness.events import RATE, SpeechStarted, SpeechStopped
from earwitnessd.capture.cadence import Cadence
from earwitnessd.capture.inbox import Inbox
from earwitnessd.capture.messages import Audio, unpack
from earwitnessd.demo.conversation import FOLDER
from earwitnessd.service.streams import Streams
from earwitnessd.settings.sources import FileReplay

TIMEOUT_S = 10.0
BOOT = "0123456789abcdef"
EAGER, PATIENT = 0.3 * RATE, 0.4 * RATE  # samples of a block


class Heard:
    """Streams, and the engine's end of what their processes say."""

    def __init__(self, folder: str) -> None:
        self.inbox = Inbox(f"{folder}/audio")
        self.streams = Streams(f"{folder}/audio", BOOT, lambda _: None, Cadence.of(3.0, 0.5))
        self.streams.configure({"desk": FileReplay(path=str(FOLDER / "conversation.ogg"))})
        self.stream_id = self.streams.status["desk"].stream_id

    def blocks(self, seconds: float) -> list[int]:
        """The sizes of the next so many seconds of audio."""
        sizes: list[int] = []
        while sum(sizes) < seconds * RATE:
            frames = self.inbox.take(TIMEOUT_S)
            assert frames is not None
            message, samples = unpack(frames)
            self.streams.tick()
            if isinstance(message, Audio) and samples is not None:
                sizes.append(len(samples))
        return sizes


@pytest.fixture
def heard() -> Iterator[Heard]:
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        made = Heard(folder)
        yield made
        made.streams.stop(1.0)
        made.inbox.close()


def test_audio_comes_less_often_from_the_beginning_of_speech_to_its_end(heard: Heard) -> None:
    assert max(heard.blocks(1.0)) < EAGER
    heard.streams.on_event(SpeechStarted(stream="desk", stream_id=heard.stream_id, start=0, stop=0))
    assert min(heard.blocks(2.0)[1:]) > PATIENT
    heard.streams.on_event(SpeechStopped(stream="desk", stream_id=heard.stream_id, start=0, stop=0))
    assert max(heard.blocks(1.5)[1:]) < EAGER


def test_speech_on_an_opening_that_is_over_or_a_stream_that_is_gone_changes_nothing(heard: Heard) -> None:
    heard.blocks(0.5)
    heard.streams.on_event(SpeechStarted(stream="desk", stream_id="before", start=0, stop=0))
    heard.streams.on_event(SpeechStarted(stream="door", stream_id=heard.stream_id, start=0, stop=0))
    assert max(heard.blocks(1.5)) < EAGER
