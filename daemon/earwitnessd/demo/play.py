"""Runs a real daemon on the bundled conversation and collects, as a subscriber, what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from earwitness.events import RATE, Event, StreamLost, StreamOpened
from earwitnessd.demo.conversation import FOLDER, Conversation
from earwitnessd.private import PrivateDaemon, private_daemon
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import FileReplay

STREAM = "conversation"


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
def stage(conversation: Conversation, model: str, *, fast: bool) -> Iterator[PrivateDaemon]:
    """A daemon of our own with both voices enrolled, and the stream still paused."""
    with private_daemon(lambda folder: _settings(folder, conversation, model, fast=fast)) as daemon:
        for enrolment in conversation.enrolments:
            daemon.control.enroll_audio(enrolment.speaker, FOLDER / enrolment.file)
        yield daemon


def perform(stage_: PrivateDaemon, on_end: Callable[[], None] = lambda: None) -> Performance:
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
    return Settings(model=model, streams={STREAM: recording}, profiles=str(directory / "profiles.db"))
