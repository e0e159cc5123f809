"""A main loop and an engine in one: drives a `CaptureSupervisor` and collects what its child says."""

from __future__ import annotations

import select
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np

from earwitnessd.capture.inbox import Frames, Inbox
from earwitnessd.capture.messages import AnyMessage, Audio, Lost, Message, Samples, unpack
from earwitnessd.capture.supervisor import CaptureSupervisor, Patience, Transition
from earwitnessd.settings.sources import LocalSource

M = TypeVar("M", bound=Message)
BOOT = "0123456789abcdef"


class Capture:
    """One stream; `until` is its main loop."""

    def __init__(
        self,
        source: LocalSource,
        *,
        environment: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ew")  # pytest's are too long for a socket's path
        path = str(Path(self._folder.name) / "audio")
        self._inbox = Inbox(path)
        self.supervisor = CaptureSupervisor(
            "desk", source, path, BOOT, environment=environment, patience=patience
        )
        self.messages: list[AnyMessage] = []
        self.blocks: list[tuple[Audio, Samples]] = []
        self.transitions: list[Transition] = []
        self.taking = True
        # False: the engine is busy and takes nothing

    def __enter__(self) -> Capture:
        self.supervisor.start(time.monotonic())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supervisor.close()
        self._inbox.close()
        self._folder.cleanup()

    def until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> float:
        """Turn until the condition holds; how long that took."""
        began_s = time.monotonic()
        while not condition():
            now_s = time.monotonic()
            assert now_s - began_s < timeout_s, f"after {timeout_s} s: {self._story()}"
            self._turn()
        return time.monotonic() - began_s

    def _turn(self) -> None:
        poll = select.poll()
        for fileno in [*(self._inbox.filenos() if self.taking else []), *self.supervisor.filenos()]:
            poll.register(fileno, select.POLLIN)
        poll.poll(min(50.0, 1000.0 * self.supervisor.due_in_s(time.monotonic())))
        if self.taking and (frames := self._inbox.take()):
            self._take(frames)
        self.transitions += self.supervisor.tick(time.monotonic())

    def _take(self, frames: Frames) -> None:
        message, samples = unpack(frames)
        self.messages.append(message)
        if isinstance(message, Audio):
            assert samples is not None
            self.blocks.append((message, samples))

    def _story(self) -> str:
        told = [message for message in self.messages if not isinstance(message, Audio)]
        return f"{self.transitions}, {told[-8:]}, {len(self.blocks)} blocks"

    def of(self, kind: type[M], stream_id: str = "") -> list[M]:
        """The messages of one kind."""
        found = [message for message in self.messages if isinstance(message, kind)]
        return [message for message in found if stream_id in ("", message.stream_id)]

    def until_said(self, kind: type[M], count: int = 1, timeout_s: float = 10.0) -> M:
        """The count-th message of a kind."""
        self.until(lambda: len(self.of(kind)) >= count, timeout_s)
        return self.of(kind)[count - 1]

    def until_heard(self, samples: int, stream_id: str = "", timeout_s: float = 10.0) -> Samples:
        """So many samples of one opening (the present one), checked to be without holes."""
        wanted = stream_id or self.supervisor.stream_id
        self.until(lambda: len(self.heard(wanted)) >= samples, timeout_s)
        return self.heard(wanted)

    def until_state(self, state: str, timeout_s: float = 10.0) -> float:
        """How long it took."""
        return self.until(lambda: self.supervisor.status.state == state, timeout_s)

    def heard(self, stream_id: str = "") -> Samples:
        """All samples of one opening in order; holes are an error here."""
        wanted = stream_id or self.supervisor.stream_id
        blocks = [(audio, samples) for audio, samples in self.blocks if audio.stream_id == wanted]
        end = 0
        for audio, samples in blocks:
            assert audio.position == end, f"a hole: {end} to {audio.position}, {self.of(Lost)}"
            end += len(samples)
        return np.concatenate([samples for _, samples in blocks]) if blocks else np.zeros(0, dtype=np.float32)
