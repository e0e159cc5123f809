"""A real Ray of one machine, and `earwitnessd serve-embeddings` in it; nothing of either stays behind."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.ports import free_port

STARTED_WITHIN_S = 60.0
SERVED_WITHIN_S = 60.0
LOOK_S = 0.1


class Head:
    """`ray start --head --block` with its own token, port and folder; processes are ended by their group."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ewr-"))
        token = self.folder / "token"
        token.write_text(secrets.token_hex(32), encoding="utf-8")
        token.chmod(0o600)
        self.environment = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "OMP_NUM_THREADS": "1",
        }
        self.address = f"127.0.0.1:{free_port()}"
        self.log = self.folder / "head.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it takes connections."""
        port = self.address.rpartition(":")[2]
        command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"]
        command += [f"--port={port}", "--node-ip-address=127.0.0.1", "--num-cpus=2"]
        command += ["--include-dashboard=false", "--object-store-memory=100000000"]
        command += [f"--temp-dir={self.folder}/r"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment, start_new_session=True
            )
        wait_until(lambda: self._reachable(int(port)), STARTED_WITHIN_S, self.log)

    def kill(self) -> None:
        """All of it at once, as when the machine goes."""
        if self._process is None:
            return
        for pid in [self._process.pid, *descendants(self._process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10.0)
        self._process = None
        wait_until(lambda: not self._left(), 20.0, self.log)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _left(self) -> list[int]:
        """Workers whose raylet was killed end by themselves; those that do not are ended."""
        mine = f"RAY_AUTH_TOKEN_PATH={self.folder}/token".encode()
        left = [pid for pid in processes("ray::") if mine in environment_of(pid)]
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return left

    @staticmethod
    def _reachable(port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0


class Serving:
    """The command in a process of its own."""

    def __init__(self, head: Head, *more: str) -> None:
        self.name = f"ew{secrets.token_hex(3)}"
        self.address = f"ipc://{head.folder}/gate"
        self.log_file = head.folder / "serving.log"
        command = [sys.executable, "-m", "earwitnessd", "serve-embeddings", "--listen", self.address]
        command += ["--address", head.address, "--name", self.name, *more]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=head.environment, start_new_session=True
            )
        self.pid = self._process.pid

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_until_serving(self, times: int = 1) -> None:
        wait_until(
            lambda: self.log.count(" serving ") >= times or self._process.poll() is not None,
            SERVED_WITHIN_S,
            self.log_file,
        )
        assert self._process.poll() is None, self.log

    def replicas(self) -> list[int]:
        """Their processes."""
        return processes(f"ray::ServeReplica:{self.name}")

    def stop(self) -> int:
        """As systemd does it; the exit status."""
        self._process.terminate()
        return self._process.wait(40.0)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10.0)


def wait_until(holds: object, within_s: float, log: Path) -> None:
    """Of processes that tell nobody: looked at again and again."""
    assert callable(holds)
    until_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until_s, log.read_text(encoding="utf-8", errors="replace")[-4000:]
        time.sleep(LOOK_S)


def processes(title: str) -> list[int]:
    """Whose title begins so."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if (folder / "cmdline").read_bytes().startswith(title.encode()):
                    found.append(int(folder.name))
    return found


def environment_of(pid: int) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


def descendants(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found
