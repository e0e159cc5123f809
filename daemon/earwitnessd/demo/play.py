"""Runs a real daemon on the bundled conversation and collects, as a subscriber, what it says."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from earwitness.control import Control, NoDaemon
from earwitness.events import RATE, AnyEvent, Event, StreamLost, StreamOpened
from earwitness.subscription import Subscription, subscribe
from earwitnessd.demo.conversation import FOLDER, Conversation
from earwitnessd.settings.load import dump
from earwitnessd.settings.root import Settings, Sockets
from earwitnessd.settings.sources import FileReplay

STREAM = "conversation"
START_WITHIN_S = 90.0
STOP_WITHIN_S = 5.0


class DemoError(Exception):
    """The demo cannot go on: says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A running daemon with both voices enrolled, and the stream still paused."""

    events: str
    control: Control
    listener: Subscription[AnyEvent]
    daemon: subprocess.Popen[bytes]


@dataclass(slots=True)
class Performance:
    """What was received while the conversation played."""

    events: list[Event] = field(default_factory=list)
    published: int = 0
    # by the daemon, from the beginning of the conversation to its end
    received: int = 0
    # of these, by our subscriber
    seconds: float = 0.0
    audio_s: float = 0.0
    model: str = ""


@contextmanager
def stage(conversation: Conversation, model: str, *, fast: bool) -> Iterator[Stage]:
    """Start a daemon of our own in a temporary directory, and enrol the voices."""
    with tempfile.TemporaryDirectory(prefix="earwitness-demo-") as directory:
        settings = _settings(Path(directory), conversation, model, fast=fast)
        config = Path(directory) / "demo.yaml"
        config.write_text(dump(settings), encoding="utf-8")
        log = (Path(directory) / "log").open("w+b")
        command = [sys.executable, "-m", "earwitnessd", "run", "--config", str(config)]
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)
        try:
            with (
                Control(settings.sockets.control, timeout_s=START_WITHIN_S) as control,
                subscribe(settings.sockets.events, notices=False) as listener,
            ):
                _enrol(conversation, control, daemon, Path(log.name))
                yield Stage(settings.sockets.events, control, listener, daemon)
        finally:
            daemon.terminate()
            try:
                daemon.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
            log.close()


def perform(stage_: Stage, on_end: Callable[[], None] = lambda: None) -> Performance:
    """Play the conversation to its end; returns when our subscriber has heard of it."""
    performance = Performance()
    before = stage_.control.status().heartbeat
    performance.model = before.engine.model
    first = before.sockets.events
    started_s = time.monotonic()
    stage_.control.resume(STREAM)
    try:
        for event in stage_.listener:
            if event.replayed or event.seq <= first:
                continue
            performance.events.append(event)
            if isinstance(event, StreamOpened):
                started_s = time.monotonic()
            if isinstance(event, StreamLost):
                performance.seconds = time.monotonic() - started_s
                performance.audio_s = event.stop / RATE
                performance.published = event.seq - first
                performance.received = len(performance.events)
                break
    finally:
        on_end()
    return performance


def _settings(directory: Path, conversation: Conversation, model: str, *, fast: bool) -> Settings:
    recording = FileReplay(
        path=str(FOLDER / conversation.file), pace="fast" if fast else "realtime", paused=True
    )
    return Settings(
        model=model,
        streams={STREAM: recording},
        sockets=Sockets(events=f"ipc://{directory}/events", control=f"ipc://{directory}/control"),
        profiles=str(directory / "profiles.db"),
    )


def _enrol(conversation: Conversation, control: Control, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            control.status()
            break
        except NoDaemon:
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise DemoError(f"the daemon did not start: {_last_line(log)}") from None
    for enrolment in conversation.enrolments:
        control.enroll_audio(enrolment.speaker, FOLDER / enrolment.file)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
