"""A microphone without hardware: a private PulseAudio whose source is a FIFO fed in real time."""

from __future__ import annotations

import contextlib
import ctypes.util
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

RATE = 16_000
BLOCK = 320  # samples, 20 ms
STARTS_WITHIN_S = 15.0
NAME = "earwitness_mic"

ASOUND_CONF = f"""\
</usr/share/alsa/alsa.conf>
pcm.{NAME} {{ type pulse device "{NAME}" hint {{ show on description "{NAME}" }} }}
pcm.!default {{ type pulse device "{NAME}" hint {{ show on description "default" }} }}
"""

PULSE_SCRIPT = """\
load-module module-native-protocol-unix socket={folder}/pulse.sock auth-anonymous=1
load-module module-pipe-source source_name={name} file={folder}/mic.fifo format=s16le rate=16000 channels=1
set-default-source {name}
"""


def why_not() -> str:
    """What is missing here, for `pytest.mark.skipif`; empty when a virtual microphone can run."""
    if shutil.which("pulseaudio") is None or shutil.which("pactl") is None:
        return "needs pulseaudio and pulseaudio-utils"
    if ctypes.util.find_library("portaudio") is None:
        return "needs libportaudio2"
    plugins = ("/usr/lib", "/usr/lib64")
    if not any(next(Path(root).glob("**/alsa-lib/libasound_module_pcm_pulse.so"), None) for root in plugins):
        return "needs the pulse plug-in of ALSA (libasound2-plugins)"
    return ""


def tone(frequency_hz: float, duration_s: float, amplitude: float = 0.5) -> npt.NDArray[np.int16]:
    """A sine in the format that `say` takes."""
    time_s = np.arange(round(duration_s * RATE)) / RATE
    return np.round(amplitude * 32767 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.int16)


class VirtualMicrophone:
    """The sound server and its feeder; silence is heard where nothing is said. Sockets want a short path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self._feeder: threading.Thread | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._speech = np.zeros(0, dtype=np.int16)
        self._loop = np.zeros(0, dtype=np.int16)
        self._loop_at = 0
        self.said_all = threading.Event()
        # set while nothing of what `say` was given is left

    device = NAME

    @property
    def environment(self) -> dict[str, str]:
        """For child processes that shall hear this microphone."""
        return {**os.environ, **self._private()}

    def _private(self) -> Mapping[str, str]:
        return {
            "XDG_RUNTIME_DIR": str(self._folder),
            "HOME": str(self._folder / "home"),
            "PULSE_SERVER": f"unix:{self._folder}/pulse.sock",
            "ALSA_CONFIG_PATH": str(self._folder / "asound.conf"),
        }

    @property
    def pid(self) -> int:
        """Of the sound server."""
        assert self._server is not None, "the sound server is not running"
        return self._server.pid

    def __enter__(self) -> VirtualMicrophone:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Return when the microphone can be opened."""
        self._start_server()
        self._start_feeder()

    def _start_server(self) -> None:
        (self._folder / "home").mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "asound.conf").write_text(ASOUND_CONF)
        script = self._folder / "earwitness.pa"
        script.write_text(PULSE_SCRIPT.format(folder=self._folder, name=NAME))
        for stale in ("pulse.sock", "mic.fifo"):
            (self._folder / stale).unlink(missing_ok=True)
        environment = self.environment
        environment.pop("PULSE_SERVER")
        options = ["--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no"]
        with (self._folder / "pulseaudio.log").open("ab") as log:
            self._server = subprocess.Popen(
                ["pulseaudio", "-n", *options, "--log-level=error", "-F", str(script)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def _start_feeder(self) -> None:
        if self._feeder is None:
            self._stopping.clear()
            self._feeder = threading.Thread(target=self._feed, name="microphone feeder", daemon=True)
            self._feeder.start()

    def _wait_until_it_answers(self) -> None:
        assert self._server is not None
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                break
            asked = subprocess.run(
                ["pactl", "list", "short", "sources"], env=self.environment, capture_output=True, check=False
            )
            if NAME.encode() in asked.stdout:
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(0.05)
        log = (self._folder / "pulseaudio.log").read_text(errors="replace")
        raise RuntimeError(f"the private PulseAudio did not start: {log}")

    def kill(self) -> None:
        """The sound server dies."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()

    def freeze(self) -> None:
        """The sound server stops, its sockets stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """A new sound server in the place of the dead one."""
        if self._server is not None and self._server.poll() is None:
            self.kill()
        self.start()

    def stop(self) -> None:
        """Server and feeder; once is enough, twice does no harm."""
        self._stopping.set()
        if self._server is not None and self._server.poll() is None:
            self._server.kill()
            self._server.wait()
        if self._feeder is not None:
            self._feeder.join(5.0)
            self._feeder = None

    def say(self, samples: npt.NDArray[np.int16]) -> None:
        """Queue 16 kHz samples behind what is still to be said."""
        with self._lock:
            self._speech = np.concatenate([self._speech, samples])
            self.said_all.clear()

    def say_for_ever(self, samples: npt.NDArray[np.int16]) -> None:
        """Repeat these whenever nothing is queued; an empty array means silence."""
        with self._lock:
            self._loop, self._loop_at = samples, 0

    def _next_block(self) -> npt.NDArray[np.int16]:
        with self._lock:
            if len(self._speech):
                block, self._speech = self._speech[:BLOCK], self._speech[BLOCK:]
                return np.pad(block, (0, BLOCK - len(block)))
            self.said_all.set()
            if not len(self._loop):
                return np.zeros(BLOCK, dtype=np.int16)
            block = np.take(self._loop, range(self._loop_at, self._loop_at + BLOCK), mode="wrap")
            self._loop_at = (self._loop_at + BLOCK) % len(self._loop)
            return block

    def _feed(self) -> None:
        fifo = -1
        started_s, blocks = time.monotonic(), 0
        while not self._stopping.is_set():
            due_s = started_s + blocks * BLOCK / RATE
            self._stopping.wait(max(0.0, due_s - time.monotonic()))
            blocks += 1
            if fifo < 0:
                fifo = self._open_fifo()
                started_s, blocks = time.monotonic(), 0
                continue
            try:
                os.write(fifo, self._next_block().tobytes())
            except BlockingIOError:
                continue  # frozen: what a real microphone hears meanwhile is lost, too
            except BrokenPipeError:
                os.close(fifo)
                fifo = -1
        if fifo >= 0:
            os.close(fifo)

    def _open_fifo(self) -> int:
        try:
            return os.open(self._folder / "mic.fifo", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # the server is not there
            self._stopping.wait(0.02)
            return -1
