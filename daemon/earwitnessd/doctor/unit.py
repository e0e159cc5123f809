"""Whether the service is installed as this earwitness would install it, and how it is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from earwitnessd.doctor.finding import Finding
from earwitnessd.install.places import UNIT, Places

ASKED = ("LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "NRestarts", "StatusText")
ANSWERS_WITHIN_S = 5.0


def unit(places: Places, expected: Mapping[Path, str]) -> Iterator[Finding]:
    """`expected`: what `earwitnessd install` would write now, by path; empty text: no such file."""
    if not places.unit.exists():
        yield Finding(
            "service", "note", f"{places.unit} is not there: nothing starts at boot", "earwitnessd install"
        )
        return
    stale = [path for path, text in expected.items() if _text(path) != text]
    if stale:
        names = ", ".join(path.name for path in stale)
        yield Finding(
            "units",
            "wrong",
            f"{names}: not as this version and these settings want it",
            "earwitnessd install",
        )
    else:
        yield Finding("units", "ok", f"{places.unit.parent}, as this version wants them")
    if shown := ask_systemd(user=places.user):
        yield judged(shown, user=places.user)


def judged(shown: Mapping[str, str], *, user: bool) -> Finding:
    """By what systemd says of it."""
    which = "systemctl --user" if user else "systemctl"
    state = f"{shown.get('ActiveState')} ({shown.get('SubState')})"
    restarts = int(shown.get("NRestarts") or 0)
    again = f", started again {'once' if restarts == 1 else f'{restarts} times'}" if restarts else ""
    text = f": {shown['StatusText']}" if shown.get("StatusText") else ""
    says = f"{state}{again}{text}"
    journal = "journalctl --user -u earwitnessd -n 20" if user else "journalctl -u earwitnessd -n 20"
    if shown.get("SubState") == "auto-restart":
        return Finding("service", "wrong", f"{says}: it ends and is started again", f"{journal} says why")
    if shown.get("ActiveState") == "failed":
        return Finding(
            "service",
            "wrong",
            f"{says}, {shown.get('Result')}",
            f"{journal} says why; {which} reset-failed earwitnessd; {which} start earwitnessd",
        )
    if shown.get("ActiveState") != "active":
        return Finding("service", "note", says, f"{which} start earwitnessd")
    if shown.get("UnitFileState") != "enabled":
        return Finding("service", "note", f"{says}; it does not start at boot", f"{which} enable earwitnessd")
    return Finding("service", "ok", says)


def ask_systemd(*, user: bool) -> dict[str, str]:
    """Empty where there is no systemd to ask."""
    if shutil.which("systemctl") is None:
        return {}
    command = ["systemctl", *(["--user"] if user else []), "show", UNIT, f"--property={','.join(ASKED)}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWERS_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        return {}
    if done.returncode:
        return {}
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
