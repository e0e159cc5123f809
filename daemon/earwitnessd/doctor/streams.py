"""Whether each configured stream gives audio: by the running daemon's word, or by opening it for a second."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from earwitness.control import Status
from earwitness.events import StreamState
from earwitnessd.capture.probe import Probe
from earwitnessd.doctor.finding import Finding, Verdict
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import LocalSource, Microphone, Network, Pipe

OPENS_WITHIN_S = 20.0  # a dead sound server can keep PortAudio waiting for ever
SILENT_DBFS = -90.0
LOUD_DBFS = -1.0
LISTED = "`earwitnessd check` lists the devices there are"


def streams(settings: Settings, running: Status | None) -> Iterator[Finding]:
    """One finding a stream."""
    told = {state.stream: state for state in running.heartbeat.streams} if running else {}
    for name, source in settings.streams.items():
        subject = f"stream {name}"
        if name in told:
            yield of_running(subject, told[name])
        elif isinstance(source, Network):
            key = f"satellite {source.key or name}"
            yield Finding(subject, "note", f"{key}: only the running daemon knows whether it is there")
        elif isinstance(source, Pipe):
            yield _of_pipe(subject, source)
        else:
            yield of_probe(subject, _probe(source), microphone=isinstance(source, Microphone))


def of_running(subject: str, state: StreamState) -> Finding:
    """What the daemon, which holds the device, says of it."""
    level = "" if state.level_dbfs is None else f", {state.level_dbfs:.0f} dBFS"
    what = f"{state.device}{level}, says the running daemon" if state.device else "says the running daemon"
    if state.state in {"live", "paused"}:
        return Finding(subject, "ok", f"{state.state}: {what}")
    verdict: Verdict = "note" if state.state == "opening" else "wrong"
    why = f" ({state.reason})" if state.reason else ""
    return Finding(
        subject, verdict, f"{state.state}{why}: {what}", f"journalctl -u earwitnessd tells more; {LISTED}"
    )


def of_probe(subject: str, found: Probe, *, microphone: bool) -> Finding:
    """What a second of it was like."""
    if found.error:
        return Finding(subject, "wrong", found.error, _mend(found.error, microphone=microphone))
    assert found.level_dbfs is not None
    assert found.peak_dbfs is not None
    says = f"{found.device}, {found.rate} Hz x {found.channels}, {found.level_dbfs:.0f} dBFS"
    if not microphone:
        return Finding(subject, "ok", says)
    if found.level_dbfs < SILENT_DBFS:
        return Finding(
            subject,
            "wrong",
            f"{says}: digital silence",
            "it is muted, or the wrong input: alsamixer, pavucontrol",
        )
    if found.peak_dbfs > LOUD_DBFS:
        return Finding(subject, "note", f"{says}: it clips", "turn its gain down: alsamixer, pavucontrol")
    return Finding(subject, "ok", says)


def _mend(error: str, *, microphone: bool) -> str:
    if not microphone:
        return "correct `path` in the settings"
    if "busy" in error.lower() or "unavailable" in error.lower():
        return "another program holds it: fuser -v /dev/snd/*; or let a sound server share it"
    return f"plug it in, or correct `device` in the settings; {LISTED}"


def _of_pipe(subject: str, source: Pipe) -> Finding:
    """To open a FIFO would take audio from whoever reads it."""
    if source.path == "-":
        return Finding(subject, "ok", "standard input")
    if Path(source.path).exists():
        return Finding(subject, "ok", f"{source.path} is there")
    return Finding(
        subject, "wrong", f"{source.path} is not there", f"mkfifo {source.path}, and have a program write"
    )


def _probe(source: LocalSource) -> Probe:
    command = [sys.executable, "-m", "earwitnessd.capture", "--probe", msgspec.json.encode(source).decode()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=OPENS_WITHIN_S, check=False)
        return msgspec.json.decode(done.stdout.strip().rpartition("\n")[2], type=Probe)
    except subprocess.TimeoutExpired:
        return Probe(error=f"it did not open within {OPENS_WITHIN_S:.0f} s: is the sound server alive?")
    except msgspec.DecodeError:
        last = done.stderr.strip().splitlines()
        return Probe(
            error=f"the capture process ended with {done.returncode}: {last[-1] if last else 'no word'}"
        )
