"""An engine thread with real sockets and a real database, and in place of the model one that knows tones."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec
import numpy as np

from earwitness.control import AnyMethod, ListProfiles, Profiles
from earwitness.events import Event
from earwitnessd.capture.messages import Samples, pack
from earwitnessd.capture.outbox import BUFFER_BYTES
from earwitnessd.capture.paths import recorded_path
from earwitnessd.capture.wire import framed
from earwitnessd.decide import Rules
from earwitnessd.engines import Embedder, Vectors, Windows
from earwitnessd.enroll.decoding import Decode
from earwitnessd.enroll.recording import decode
from earwitnessd.handover import (
    Answer,
    Ask,
    FromEngine,
    Publish,
    Pulse,
    Refusal,
    Stop,
    StreamAdded,
    ToEngine,
)
from earwitnessd.listening.listener import Listener, Parts
from earwitnessd.mailbox import Mailbox
from earwitnessd.profiles import NewExemplar, ProfileStore
from earwitnessd.profiles.people import People
from earwitnessd.settings.root import Engine as EngineSettings
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import Microphone

from ..voices import ENERGY, TONE_RULES, TONES, Mouth, ToneEmbedder, talking

T = TypeVar("T")
E = TypeVar("E", bound=Event)

TIMEOUT_S = 15.0
LOOK_S = 0.1  # a pulse wakes nobody
BLOCK = 4000
PATIENT = msgspec.structs.replace(ENERGY, engine=EngineSettings(max_lag_s=25.0))
# tests speak faster than real time


class HeldEmbedder(ToneEmbedder):
    """Computes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def embed(self, windows: Windows) -> Vectors:
        self.entered.set()
        assert self.let_go.wait(TIMEOUT_S)
        return super().embed(windows)

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Nothing to do."""


class BrokenEmbedder(ToneEmbedder):
    """Fails at the first real window."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def embed(self, windows: Windows) -> Vectors:
        raise self.error

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Nothing to do."""


class Engine:
    """The main thread's side of a listener, and the capture processes' too."""

    def __init__(
        self,
        embedder: Embedder | None = None,
        *,
        enrolled: dict[str, float] | None = None,
        settings: Settings = PATIENT,
        rules: Rules = TONE_RULES,
        decode: Decode = decode,
    ) -> None:
        self._decode = decode
        self._folder = tempfile.TemporaryDirectory(prefix="ew")
        self.profiles = Path(self._folder.name) / "profiles.db"
        self.embedder = embedder or ToneEmbedder()
        with closing(ProfileStore(self.profiles)) as store:
            for name, pitch_hz in (enrolled or {}).items():
                store.add(name, exemplar(pitch_hz))
        self._rules = rules
        self._inbox: Mailbox[ToEngine] = Mailbox()
        self._outbox: Mailbox[FromEngine] = Mailbox()
        self._path = f"{self._folder.name}/audio"
        self.listener = Listener(self._path, settings, self.open_parts, self._inbox, self._outbox)
        self._lines: dict[str, socket.socket] = {}
        # by stream: each has a capture process of its own
        self._recording = ThreadPoolExecutor(1)
        # has a recording wait until it is taken
        self._next_token = 1
        self.words: list[FromEngine] = []

    def open_parts(self) -> Parts:
        """Called in the engine thread."""
        people = People(ProfileStore(self.profiles), self.embedder.model_id, self._rules.threshold)
        return Parts(
            embedder=self.embedder, people=people, rules=self._rules, model=TONES, decode=self._decode
        )

    def __enter__(self) -> Engine:
        self.listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inbox.put(Stop())
        self.listener.join(TIMEOUT_S)
        assert not self.listener.is_alive()
        self._inbox.close()
        self._outbox.close()
        for line in self._lines.values():
            line.close()
        self._recording.shutdown()
        self._folder.cleanup()

    @property
    def events(self) -> list[Event]:
        """Everything to be published so far."""
        return [word.event for word in self.words if isinstance(word, Publish)]

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def tell(self, command: ToEngine) -> None:
        self._inbox.put(command)

    def ask(self, method: AnyMethod, attachment: bytes = b"") -> Answer | Refusal:
        """Wait for the reply to a control request."""
        token, self._next_token = self._next_token, self._next_token + 1
        self.tell(Ask(token, method, attachment))
        return self.until(lambda: self._replies(token))[0]

    def until_obeyed(self) -> None:
        """Until everything told so far has been done: commands and audio come by different ways."""
        self.ask(ListProfiles())

    def until(self, find: Callable[[], T | None]) -> T:
        """Listen to the engine until something is found."""
        deadline_s = time.monotonic() + TIMEOUT_S
        while not (found := find()):
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, f"waited in vain; the last words: {self.words[-5:]}"
            self._outbox.wait(LOOK_S)
            self.words += self._outbox.drain()
        return found

    def until_said(self, kind: type[E], count: int = 1) -> E:
        """The count-th event of a kind."""
        return self.until(lambda: self.of(kind)[count - 1 : count])[0]

    def until_word(self, kind: type[T]) -> T:
        """The first word of a kind that is no event."""
        return self.until(lambda: next((word for word in self.words if isinstance(word, kind)), None))

    def until_pulse(self, fits: Callable[[Pulse], bool]) -> Pulse:
        """A pulse that says what is waited for."""
        return self.until(
            lambda: next((word for word in self.words if isinstance(word, Pulse) and fits(word)), None)
        )

    def open(self, stream: str = "desk", *, paced: bool = True, stream_id: str = "") -> Mouth:
        """Add a stream whose capture process has just opened its source."""
        self.tell(StreamAdded(stream, Microphone(label="headset")))
        self.until_obeyed()
        mouth = Mouth(stream, stream_id or f"{stream}-1", paced=paced, began_ns=time.monotonic_ns())
        self.send(pack(mouth.opened()), mouth)
        return mouth

    def say(self, mouth: Mouth, samples: Samples, block: int = BLOCK) -> None:
        """As the mouth's capture process would."""
        for start in range(0, len(samples), block):
            part = samples[start : start + block]
            self.send(pack(mouth.audio(part), part), mouth)

    def send(self, frames: list[bytes], mouth: Mouth) -> None:
        """A live one that says more than the kernel keeps fails; a recording waits."""
        line = self._line(mouth)
        data = b"".join(framed(frames))
        if not mouth.paced:
            self._recording.submit(line.sendall, data)
            return
        try:
            line.sendall(data)
        except ConnectionError:
            self.listener.join(TIMEOUT_S)
            assert not self.listener.is_alive(), "it lives, and does not listen"

    def _line(self, mouth: Mouth) -> socket.socket:
        if mouth.stream not in self._lines:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            line.settimeout(TIMEOUT_S)
            line.connect(self._path if mouth.paced else recorded_path(self._path))
            self._lines[mouth.stream] = line
        return self._lines[mouth.stream]

    def _replies(self, token: int) -> list[Answer | Refusal]:
        return [word for word in self.words if isinstance(word, Answer | Refusal) and word.token == token]


def exemplar(pitch_hz: float) -> NewExemplar:
    """Of somebody who speaks at this pitch."""
    embedder = ToneEmbedder()
    (vector,) = embedder.embed(talking(pitch_hz, 3.0)[np.newaxis])
    return NewExemplar(
        model_id=embedder.model_id,
        vector=vector,
        label="",
        source="a test",
        speech_s=10.0,
        windows=5,
        consistency=None,
        snr_db=None,
    )


def listed(engine: Engine) -> list[str]:
    """Who is enrolled."""
    answer = engine.ask(ListProfiles())
    assert isinstance(answer, Answer)
    assert isinstance(answer.result, Profiles)
    return [profile.name for profile in answer.result.profiles]
