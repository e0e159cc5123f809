"""Who captures a stream learns whether somebody speaks there, and the engine why it ends before it does."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator

import msgspec
import pytest

from earwitness.events import RATE, SpeechStarted, SpeechStopped
from earwitnessd.capture.cadence import Cadence
from earwitnessd.capture.inbox import Inbox
from earwitnessd.capture.messages import Audio, unpack
from earwitnessd.capture.supervisor import State
from earwitnessd.demo.conversation import FOLDER
from earwitnessd.handover import CaptureGone, StreamRemoved, ToEngine
from earwitnessd.service.streams import Streams
from earwitnessd.settings.sources import FileReplay, Pipe

TIMEOUT_S = 10.0
BOOT = "0123456789abcdef"
EAGER, PATIENT = 0.3 * RATE, 0.4 * RATE  # samples of a block


class Heard:
    """Streams, and the engine's end of what their processes say."""

    def __init__(self, folder: str) -> None:
        self.told: list[tuple[ToEngine, State]] = []
        # in what state the capture of the line was at that time
        self.inbox = Inbox(f"{folder}/audio")
        self.streams = Streams(f"{folder}/audio", BOOT, self._tell, Cadence.of(3.0, 0.5))
        self.line = Pipe(path=f"{folder}/line")
        os.mkfifo(self.line.path)
        self.streams.configure({"desk": FileReplay(path=str(FOLDER / "conversation.ogg")), "line": self.line})
        self.stream_id = self.streams.status["desk"].stream_id

    def _tell(self, word: ToEngine) -> None:
        if line := self.streams.status.get("line"):
            self.told.append((word, line.state))

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


@pytest.mark.parametrize("way", ["paused", "slept", "changed", "removed"])
def test_the_engine_knows_why_a_stream_ends_before_its_process_does(heard: Heard, way: str) -> None:
    stream_id = heard.streams.status["line"].stream_id
    end = time.monotonic() + TIMEOUT_S
    while heard.streams.status["line"].state != "waiting":
        assert time.monotonic() < end
        heard.streams.tick()
        time.sleep(0.01)
    heard.told.clear()
    match way:
        case "paused":
            heard.streams.pause("line")
            word: ToEngine = CaptureGone("line", stream_id, "paused", final=True)
        case "slept":
            heard.streams.reopen_live("the machine slept")
            word = CaptureGone("line", stream_id, "the machine slept", final=False)
        case "changed":
            changed = msgspec.structs.replace(heard.line, label="another")
            heard.streams.configure({"line": changed})
            word = StreamRemoved("line", "its settings have changed", final=False)
        case _:
            heard.streams.configure({})
            word = StreamRemoved("line", "removed from the settings", final=True)
    assert (word, "waiting") in heard.told
