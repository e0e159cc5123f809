"""A whole daemon of our own that hears recordings in real time, over and over, on many streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from earwitness.events import Heartbeat
from earwitnessd.bench import speech
from earwitnessd.private import PrivateDaemon, private_daemon
from earwitnessd.settings.root import Engine, Settings, Windows
from earwitnessd.settings.sources import AnySource, FileReplay

NAME = "s{:03d}"


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


@dataclass(frozen=True, slots=True)
class Station:
    """The daemon runs, two people are enrolled, and the streams are paused."""

    daemon: PrivateDaemon
    streams: list[str]

    @property
    def pid(self) -> int:
        """Of the daemon's main process."""
        return self.daemon.process.pid

    def beat(self) -> Heartbeat:
        """How it is doing."""
        return self.daemon.control.status().heartbeat

    def resume(self, count: int) -> None:
        """Let so many streams of those that are still paused begin."""
        for stream in self.streams[:count]:
            self.daemon.control.resume(stream)
        del self.streams[:count]


@contextmanager
def station(setup: Setup) -> Iterator[Station]:
    """Start it, and end it with everything that it needed."""
    names = [NAME.format(number) for number in range(setup.streams)]

    def settings(folder: Path) -> Settings:
        sources: dict[str, AnySource] = {
            name: FileReplay(path=str(recording), loop=True, paused=True)
            for name, recording in zip(names, _in_turn(setup.recordings, setup.streams), strict=True)
        }
        return Settings(
            model=setup.model,
            streams=sources,
            windows=setup.windows,
            engine=setup.engine,
            profiles=str(folder / "profiles.db"),
        )

    with private_daemon(settings) as daemon:
        for speaker, recording in speech.voices().items():
            daemon.control.enroll_audio(speaker, recording)
        yield Station(daemon, list(names))


def _in_turn(recordings: Sequence[Path], count: int) -> list[Path]:
    return [recordings[number % len(recordings)] for number in range(count)]
