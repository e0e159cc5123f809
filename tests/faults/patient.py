"""A daemon to be harmed: starts in half a second, hangs or fails on command, and is started anew by hand."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import soundfile
import zmq

from earwitness.control import AnyMethod, Request
from earwitness.events import DaemonStarted
from tests.daemon.harness import Daemon
from tests.voices import ANNA_HZ, BEN_HZ, sound_file, talking

ROOT = Path(__file__).parents[2]
RATE = 16_000
VOICES_HZ = {"anna": ANNA_HZ, "ben": BEN_HZ}


class Patient(Daemon):
    """`tests.faults.program` with one voice that talks for ever on stream `desk`, unless told otherwise."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        profiles: Path | None = None,
        before: Sequence[str] = (),
    ) -> None:
        """`before` is put in front of the command: a program that limits what the daemon may have."""
        self._profiles = profiles or folder / "profiles.db"
        self._before = before
        super().__init__(folder, settings or {}, environment=environment)

    def write(self, settings: Mapping[str, Any]) -> None:
        """Replace the settings file."""
        always: dict[str, Any] = {"speech_gate": {"type": "energy"}, "profiles": str(self._profiles)}
        super().write({**always, "streams": {"desk": self.talk()}, **settings})

    def talk(self, name: str = "anna") -> dict[str, Any]:
        """A stream on which somebody talks for ever."""
        file = self.folder / f"{name}.wav"
        if not file.exists():
            soundfile.write(file, talking(VOICES_HZ[name], 10.0), RATE)
        return {"source": "file", "path": str(file), "loop": True}

    def launch(self) -> None:
        """Start the process and return at once."""
        command = [
            *self._before,
            sys.executable,
            "-m",
            "tests.faults.program",
            str(self.folder),
            str(self.config),
        ]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=self.environment,
                start_new_session=True,
                cwd=ROOT,
            )

    def __enter__(self) -> Patient:
        super().__enter__()
        return self

    def start(self) -> None:
        """Returns when it is ready; `main_pid` is its own word, where another program was put in front."""
        self.launch()
        started = self.wait_for(
            DaemonStarted, lambda event: not event.replayed or event.pid == self.pid, 60.0
        )
        self.main_pid = started.pid

    def restart(self) -> float:
        """What a service manager does with one that is dead; how long until it was ready."""
        began_s = time.monotonic()
        self.start()
        return time.monotonic() - began_s

    def hang_engine(self) -> None:
        """From the next window on."""
        (self.folder / "hang").touch()

    def heal(self) -> None:
        """What is started from now on does not hang."""
        (self.folder / "hang").unlink()

    def enrol(self, name: str, voice: str = "") -> None:
        """From a recording."""
        self.control.enroll_audio(name, voice_of(voice or name))

    def names(self) -> list[str]:
        """Of everybody who is enrolled, by the daemon's word."""
        return [profile.name for profile in self.control.profiles().profiles]


def send(client: zmq.Socket[bytes], method: AnyMethod, *attachment: bytes) -> None:
    """A request whose answer nobody may live to hear."""
    params = msgspec.Raw(msgspec.json.encode(method))
    request = Request(id=uuid.uuid4().hex, method=method.method, params=params)
    client.send_multipart([msgspec.json.encode(request), *attachment])


def voice_of(name: str, seconds: float = 18.0) -> bytes:
    """A recording to enrol from."""
    return sound_file(talking(VOICES_HZ.get(name, ANNA_HZ), seconds))
