"""What a soak does to the daemon: one fault after the other, each taken back by itself or by the daemon."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any

import numpy as np
import pytest
import soundfile
import zmq

from earwitness.control import ControlError
from earwitnessd.demo.conversation import FOLDER, load_conversation
from tests.daemon.harness import Daemon
from tests.faults.clocks import HOUR_S, YEAR_S, Clocks
from tests.faults.hostile import message

STALL_S = 1.5
COME_OR_GO = "add or remove a stream"
HOSTILE_MESSAGES = 20
WINDOW_S = 3.0  # as the settings have it
SUBSCRIBER = """
import sys, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.subscribe(b"")
socket.connect(sys.argv[1])
socket.poll()
print("heard", flush=True)
sys.stdin.read()
"""
# hears one event and then no more, like a program that hangs


class Mischief:
    """Owned by the soak's thread. `settings` is the file to go by; `spare` a stream that comes and goes."""

    def __init__(
        self,
        daemon: Daemon,
        settings: Mapping[str, Any],
        spare: Mapping[str, Any],
        clocks: Clocks,
        random: Random,
    ) -> None:
        self._daemon = daemon
        self._settings = settings
        self._spare = spare
        self._clocks = clocks
        self._random = random
        self._subscriber: subprocess.Popen[bytes] | None = None
        self._enrolments = load_conversation().enrolments
        self.streams = len(settings["streams"])
        # that shall be live by now
        self.kinds: dict[str, Callable[[], None]] = {
            "kill capture": self.kill_capture,
            "freeze capture": self.freeze_capture,
            "stall the daemon": self.stall,
            "kill a subscriber": self.kill_subscriber,
            COME_OR_GO: self.add_or_remove,
            "reload a broken file": self.reload_broken,
            "enrol and delete": self.enrol_and_delete,
            "hostile messages": self.hostile,
            "set the clock": self.set_clock,
            "suspend": self.suspend,
            "pause and resume": self.pause_and_resume,
        }

    def do(self) -> str:
        """One of them; its name. A stream that came goes again with the next: it has memory of its own."""
        name = COME_OR_GO if self.spare_is_there else self._random.choice(sorted(self.kinds))
        self.kinds[name]()
        return name

    def close(self) -> None:
        """No subscriber is left, the clock is right again, the settings are the first."""
        self._end_subscriber()
        self._clocks.set_wall(0)
        if self.spare_is_there:
            self.add_or_remove()

    @property
    def settled(self) -> list[str]:
        """The streams that stay."""
        return sorted(self._settings["streams"])

    @property
    def spare_is_there(self) -> bool:
        """The stream that comes and goes has come."""
        return self.streams != len(self._settings["streams"])

    def kill_capture(self) -> None:
        """As the kernel does when memory is short."""
        self._signal_child(signal.SIGKILL)

    def freeze_capture(self) -> None:
        """As PortAudio does when a sound server stops."""
        self._signal_child(signal.SIGSTOP)

    def _signal_child(self, number: signal.Signals) -> None:
        if children := self._daemon.children():
            with suppress(ProcessLookupError):
                os.kill(self._random.choice(list(children)), number)

    def stall(self, for_s: float = STALL_S) -> None:
        """The daemon gets no processor for a moment; what its captures hear meanwhile comes in a burst."""
        self._daemon.process.send_signal(signal.SIGSTOP)
        threading.Event().wait(for_s)
        self._daemon.process.send_signal(signal.SIGCONT)

    def kill_subscriber(self) -> None:
        """One that had stopped reading."""
        self._end_subscriber()
        self._subscriber = subprocess.Popen(
            [sys.executable, "-c", SUBSCRIBER, self._daemon.events_endpoint],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )

    def _end_subscriber(self) -> None:
        if self._subscriber:
            self._subscriber.kill()
            self._subscriber.wait()
            assert self._subscriber.stdin is not None
            self._subscriber.stdin.close()
            self._subscriber = None

    def add_or_remove(self) -> None:
        """By SIGHUP."""
        streams = dict(self._settings["streams"])
        if self.streams == len(streams):
            streams["spare"] = self._spare
        self._daemon.write({**self._settings, "streams": streams})
        self._daemon.process.send_signal(signal.SIGHUP)
        self.streams = len(streams)

    def reload_broken(self) -> None:
        """The old settings stay."""
        whole = self._daemon.config.read_text(encoding="utf-8")
        self._daemon.config.write_text(whole + "\nstreams: [not, streams", encoding="utf-8")
        with pytest.raises(ControlError, match="is not YAML"):
            self._daemon.control.reload()
        self._daemon.config.write_text(whole, encoding="utf-8")

    def enrol_and_delete(self) -> None:
        """Someone new, and away again."""
        name = f"guest{self._random.randrange(1000)}"
        enrolment = self._random.choice(self._enrolments)
        self._daemon.control.enroll_audio(name, FOLDER / enrolment.file)
        self._daemon.control.rename_profile(name, f"{name}-renamed")
        self._daemon.control.delete_profile(f"{name}-renamed")

    def enrol_windows(self, count: int) -> None:
        """A recording of so many windows: the model hears them in one batch, enough for a profile or not."""
        samples, rate = soundfile.read(FOLDER / self._enrolments[0].file, dtype="int16")
        length = round((WINDOW_S + (count - 1) * WINDOW_S / 2) * rate)
        recording = io.BytesIO()
        soundfile.write(recording, np.resize(samples, length), rate, format="WAV")
        with suppress(ControlError):
            self._daemon.control.enroll_audio("brief", recording.getvalue())
            self._daemon.control.delete_profile("brief")

    def hostile(self) -> None:
        """All are answered."""
        with zmq.Context() as context, context.socket(zmq.DEALER) as client:
            client.linger = 0
            client.connect(self._daemon.control_endpoint)
            for _ in range(HOSTILE_MESSAGES):
                client.send_multipart(message(self._random))
                assert client.poll(60_000), "a hostile message was not answered"
                client.recv_multipart()

    def set_clock(self) -> None:
        """Forth or back."""
        self._clocks.set_wall(self._random.choice((-10 * YEAR_S, -HOUR_S, 0, HOUR_S, 10 * YEAR_S)))

    def suspend(self) -> None:
        """Ten minutes, by the clocks."""
        self._clocks.sleep(600)

    def pause_and_resume(self) -> None:
        """Any stream."""
        stream = self._random.choice(self.settled)
        self._daemon.control.pause(stream)
        self._daemon.control.resume(stream)
