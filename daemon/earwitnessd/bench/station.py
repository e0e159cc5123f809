"""A whole daemon of our own that hears recordings, over and over, on many streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from earwitness.events import Heartbeat
from earwitnessd.bench import speech
from earwitnessd.private import RUN, PrivateDaemon, private_daemon
from earwitnessd.settings.root import Engine, Settings, Windows
from earwitnessd.settings.sources import AnySource, FileReplay
from earwitnessd.settings.speech_gate import SpeechGateSettings

NAME = "s{:03d}"
MODELLESS = ("earwitnessd.bench.modelless",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What runs."""

    model: str
    # as in the settings
    recordings: Sequence[Path]
    # the streams play them in turn
    streams: int
    windows: Windows = field(default_factory=Windows)
    engine: Engine = field(default_factory=Engine)
    gate: SpeechGateSettings = field(default_factory=SpeechGateSettings)
    pace: Literal["realtime", "fast"] = "realtime"
    # fast: as fast as the daemon takes them
    modelless: bool = False
    # whatever the model is, it answers at once and hears nothing: what is left is the daemon


@dataclass(frozen=True, slots=True)
class Station:
    """The daemon runs, somebody is enrolled, and the streams are paused."""

    daemon: PrivateDaemon
    streams: list[str]
    playing: list[str] = field(default_factory=list)
    # the first of them

    @property
    def pid(self) -> int:
        """Of the daemon's main process."""
        return self.daemon.process.pid

    def beat(self) -> Heartbeat:
        """How it is doing."""
        return self.daemon.control.status().heartbeat

    def play(self, count: int) -> None:
        """Have so many streams run, and the others be paused."""
        for stream in self.streams[len(self.playing) : count]:
            self.daemon.control.resume(stream)
            self.playing.append(stream)
        while len(self.playing) > count:
            self.daemon.control.pause(self.playing.pop())


@contextmanager
def station(setup: Setup) -> Iterator[Station]:
    """Start it, and end it with everything that it needed."""
    names = [NAME.format(number) for number in range(setup.streams)]

    def settings(folder: Path) -> Settings:
        sources: dict[str, AnySource] = {
            name: FileReplay(path=str(recording), loop=True, paused=True, pace=setup.pace)
            for name, recording in zip(names, _in_turn(setup.recordings, setup.streams), strict=True)
        }
        return Settings(
            model=setup.model,
            streams=sources,
            windows=setup.windows,
            engine=setup.engine,
            speech_gate=msgspec.structs.replace(
                setup.gate, min_speech_s=min(setup.gate.min_speech_s, setup.windows.length_s / 3)
            ),
            profiles=str(folder / "profiles.db"),
        )

    with private_daemon(settings, MODELLESS if setup.modelless else RUN) as daemon:
        voices = list(speech.voices().items())
        for speaker, recording in voices[:1] if setup.modelless else voices:
            daemon.control.enroll_audio(speaker, recording)
        yield Station(daemon, names)


def _in_turn(recordings: Sequence[Path], count: int) -> list[Path]:
    return [recordings[number % len(recordings)] for number in range(count)]
