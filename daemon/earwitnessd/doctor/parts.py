"""Model, GPU, calibration, speech gate, profiles and their key: what the engine would open."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from earwitness.control import Status
from earwitness.events import FollowingState, Heartbeat
from earwitness.words import following
from earwitnessd.assemble import open_engine, profile_file
from earwitnessd.calibration import CalibrationError
from earwitnessd.doctor.finding import Finding
from earwitnessd.engines import EmbedError
from earwitnessd.models import ModelError, open_model
from earwitnessd.native.cpu import lacks_tiles
from earwitnessd.settings.root import Settings
from earwitnessd.settings.validate import SettingsError
from earwitnessd.speech import SpeechGate, open_gate
from earwitnessd.speech.energy import EnergyGate
from earwitnessd.speech.silero import SileroGate
from earwitnessd.templates.errors import KeyFileError
from earwitnessd.templates.key_file import KeyPlace, read_key

SERVED = "does `earwitnessd serve-embeddings` run at engine.remote.addresses, and is it reached?"
GPUS = Path("/proc/driver/nvidia/gpus")


def parts(settings: Settings, running: Status | None) -> Iterator[Finding]:
    """In the order in which the engine opens them."""
    try:
        model = open_model(settings.model)
    except ModelError as error:
        yield Finding(
            "model", "wrong", str(error).partition("\n")[0], "earwitnessd model pull, or another `model`"
        )
        return
    yield Finding("model", "ok", f"{model.model_id}, {model.weights}: its hash is right")
    yield from _engine(settings)
    yield of_gate(open_gate(settings.speech_gate))
    if running and running.heartbeat.engine.degraded:
        elsewhere = running.heartbeat.engine.remote is not None
        yield Finding(
            "remote engines" if elsewhere else "GPU",
            "wrong",
            f"lost: {running.heartbeat.engine.degraded}",
            f"{SERVED if elsewhere else 'nvidia-smi'}; it is tried again and again meanwhile",
        )


def _engine(settings: Settings) -> Iterator[Finding]:
    try:
        engine = open_engine(settings)
    except (EmbedError, SettingsError, CalibrationError) as error:
        yield Finding("engine", "wrong", str(error), "correct `engine` in the settings")
        return
    wanted = settings.engine
    tiles = wanted.amx is not False and not wanted.remote and lacks_tiles() is None
    yield of_device(engine.embedder.device, gpus=_gpus(), wanted=wanted.device, tiles=tiles)
    try:
        calibrator = engine.calibrator(settings.decision)
        rules = engine.rules(settings.decision, calibrator)
    except (SettingsError, CalibrationError) as error:
        yield Finding("calibration", "wrong", str(error), "earwitnessd calibrate, or decision.method: auto")
        return
    if calibrator:
        yield Finding("calibration", "ok", str(rules))
    else:
        fix = "earwitnessd calibrate fits one to your recordings"
        yield Finding("calibration", "note", f"none: {rules}", fix)


def of_device(device: str, *, gpus: int, wanted: str, tiles: bool = False) -> Finding:
    """A GPU or a CPU's tiles that lie idle are worth a word."""
    if gpus and not device.startswith("cuda") and wanted != "cpu":
        return Finding(
            "engine",
            "note",
            f"{device}, though there {'is a GPU' if gpus == 1 else f'are {gpus} GPUs'}",
            "install a build of torch with CUDA (pytorch.org); nvidia-smi must see it",
        )
    if tiles and device.startswith("cpu") and "AMX" not in device:
        fix = "apt-get install gcc, then earwitnessd install; the daemon's log says why"
        return Finding("engine", "note", f"{device}, though this CPU has AMX: several times as fast", fix)
    return Finding("engine", "ok", device)


def of_gate(gate: SpeechGate) -> Finding:
    """One that is not compiled is slower for as long as the daemon runs."""
    if isinstance(gate, SileroGate):
        fix = "apt-get install gcc, then earwitnessd install; the daemon's log says why"
        return Finding("speech gate", "note", "not compiled for this CPU: at least twice as slow", fix)
    return Finding("speech gate", "ok", "energy" if isinstance(gate, EnergyGate) else "silero, compiled")


def _gpus() -> int:
    return len(list(GPUS.iterdir())) if GPUS.is_dir() else 0


def profiles(settings: Settings, running: Status | None, key: KeyPlace | None = None) -> Iterator[Finding]:
    """The database is not opened: that would make or migrate it."""
    file = profile_file(settings)
    if running:
        yield of_people(running.heartbeat)
    elif not _there(file):
        yield Finding("profiles", "ok", f"{file} is not there yet: nobody is enrolled")
    elif not os.access(file.parent, os.X_OK):
        yield Finding("profiles", "note", f"{file}: only its owner may look", "run it as root")
    elif stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield Finding("profiles", "wrong", f"{file}: others can read it", f"chmod 600 {file}")
    else:
        yield Finding("profiles", "ok", f"{file}, {file.owner()}'s alone")
    if running and running.heartbeat.following:
        yield of_following(running.heartbeat.following)
    yield template_key(key or KeyPlace.find(settings.templates.key_file, file), enrolled=_sealed(file))


def of_people(beat: Heartbeat) -> Finding:
    """Who is enrolled with another model is not recognised."""
    says = f"{beat.profiles} people, says the running daemon"
    must_enrol = beat.profiles_other_model - beat.profiles_renewing
    if beat.profiles_renewing:
        says += f"; {beat.profiles_renewing} are being made anew for this model from kept audio"
    if unreadable := beat.sessions_unreadable:
        damaged = f"{unreadable} session{'' if unreadable == 1 else 's'} of theirs do not open"
        fix = "earwitness profiles show NAME tells which: profiles remove-session, then enrol again"
        return Finding("profiles", "wrong", f"{says}; {damaged}", f"{fix}; or restore a backup")
    if must_enrol <= 0:
        return Finding("profiles", "ok", says)
    fix = "earwitness profiles names them: enrol them again, or set `model` back"
    return Finding("profiles", "note", f"{says}; {must_enrol} are enrolled with another model", fix)


def of_following(state: FollowingState) -> Finding:
    """Whose people they are, and whether that daemon is heard."""
    says = following(state)
    if state.state == "follows":
        return Finding("following", "ok", says)
    wrong = state.state in {"refuses", "distrusts"}
    fix = f"is {state.endpoint} reached?"
    if state.state == "refuses":
        fix = "see the reason; the people stay as they are meanwhile"
    return Finding("following", "wrong" if wrong else "note", f"{says}: {state.reason}", fix)


def template_key(place: KeyPlace, *, enrolled: bool) -> Finding:
    """Without it nobody in the database can be recognised."""
    try:
        if not place.file.exists():
            if enrolled:
                fix = "restore it from your backup: without it nobody can be recognised"
                return Finding("template key", "wrong", f"{place.file} is gone", fix)
            return Finding("template key", "ok", f"{place.file} will be made with the first profile")
        key = read_key(place.file, private=not place.credential)
    except PermissionError:
        return Finding("template key", "note", f"{place.file}: only its owner may look", "run it as root")
    except KeyFileError as error:
        return Finding(
            "template key", "wrong", str(error), f"chmod 600 {place.file}, or restore it from a backup"
        )
    if place.beside:
        return Finding(
            "template key",
            "note",
            f"{place.file} ({key.id}) lies beside the profiles: a copy of the folder is readable",
            "earwitnessd install keeps it elsewhere, as a credential; or set templates.key_file",
        )
    return Finding("template key", "ok", f"{place.file} ({key.id})")


def _sealed(file: Path) -> bool:
    """Whether a key belongs to the database; it is read as it lies, so that nothing of it changes."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as database:
            return bool(database.execute("SELECT count(*) FROM vault").fetchone()[0])
    except sqlite3.Error:
        return False  # it is not there, or older than its sealing


def _there(file: Path) -> bool:
    try:
        return file.exists()
    except PermissionError:
        return True
