"""Whether the sockets are there, and who may connect."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from earwitness.control import Control, ControlError, NoDaemon, Status
from earwitnessd.access import sockets
from earwitnessd.access.sockets import Endpoints
from earwitnessd.doctor.finding import Finding
from earwitnessd.settings.root import Settings

ANSWERS_WITHIN_S = 3.0


def running_daemon(endpoints: Endpoints) -> Status | None:
    """What it says of itself; None: nobody answers."""
    if not endpoints.control.startswith("ipc://"):
        return None  # with a key that only clients have
    if not Path(endpoints.control.removeprefix("ipc://")).exists():
        return None
    try:
        with Control(endpoints.control, timeout_s=ANSWERS_WITHIN_S) as control:
            return control.status()
    except (NoDaemon, ControlError):
        return None


def access(settings: Settings, endpoints: Endpoints, running: Status | None) -> Iterator[Finding]:
    """Each socket, and the daemon's own key."""
    for name, endpoint in (("events", endpoints.events), ("control", endpoints.control)):
        if endpoint.startswith("ipc://"):
            yield _of_file(name, Path(endpoint.removeprefix("ipc://")), running)
        else:
            insecure = settings.sockets.curve is None
            fix = "sockets.curve: see configs/network-curve.yaml" if insecure else ""
            says = f"{endpoint}{': without keys, for everybody' if insecure else ', for known keys'}"
            yield Finding(name, "note" if insecure else "ok", says, fix)
    if curve := settings.sockets.curve:
        try:
            sockets.check_private(Path(curve.secret_key_file))
            yield Finding("keys", "ok", f"{curve.secret_key_file} is the daemon's alone")
        except sockets.SocketError as error:
            yield Finding("keys", "wrong", str(error), f"chmod 600 {curve.secret_key_file}")


def _of_file(name: str, path: Path, running: Status | None) -> Finding:
    try:
        found = path.stat()
    except FileNotFoundError:
        if running:
            return Finding(name, "wrong", f"{path} is gone, though the daemon runs", "restart the daemon")
        return Finding(name, "ok", f"{path}: no daemon runs")
    except PermissionError:
        return Finding(
            name, "wrong", f"{path}: you may not look there", "usermod -aG earwitness YOU, then log in again"
        )
    mode = stat.S_IMODE(found.st_mode)
    says = f"{path}, {path.owner()}:{path.group()}, mode {mode:04o}"
    if mode & 0o007:
        return Finding(name, "wrong", f"{says}: everybody may connect", f"chmod o= {path}")
    if running is None:
        return _unanswered(name, path, says)
    return Finding(name, "ok", says)


def _unanswered(name: str, path: Path, says: str) -> Finding:
    """A daemon that was killed leaves its sockets behind, and the next one takes them over."""
    if not Path(f"{path}.lock").exists():
        return Finding(name, "note", f"{says}: left behind, the next start replaces it")
    try:
        if lock := sockets.claim(f"ipc://{path}"):
            lock.close()
    except sockets.SocketError as error:
        return Finding(name, "wrong", f"nobody answers: {error}", "systemctl restart earwitnessd")
    return Finding(name, "note", f"{says}: left behind, the next start replaces it")
