"""Looks at everything a daemon with these settings would need, without becoming one."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from earwitnessd.access import sockets
from earwitnessd.access.keys import listed
from earwitnessd.assemble import evidence_directory, open_engine, open_overlap, profile_file
from earwitnessd.calibration import CalibrationError
from earwitnessd.capture.devices import Listing
from earwitnessd.engines import EmbedError
from earwitnessd.listening.devices import lost as lost_by
from earwitnessd.metrics.scrape import MetricsError, listen
from earwitnessd.models import ModelError
from earwitnessd.profiles import ProfileStore, StoreError
from earwitnessd.profiles.recordings import count_audio, waiting_for
from earwitnessd.profiles.sealing import is_plain
from earwitnessd.settings.addresses import parse_address
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import FileReplay, Microphone, Network, Pipe
from earwitnessd.settings.validate import SettingsError
from earwitnessd.sharing.errors import SharingError
from earwitnessd.sharing.link import WriterKeys
from earwitnessd.sharing.signing import key_id, read_secret
from earwitnessd.templates.key_file import KeyPlace

NAMED = 20  # people that a finding names
DEVICES_WITHIN_S = 15.0  # a dead sound server can keep PortAudio waiting for ever


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    subject: str
    fine: bool
    says: str


@dataclass(frozen=True, slots=True)
class Installed:
    """The service that the settings are of: what it holds is not for others to try."""

    serves: str
    # who answers there; empty: nobody
    key: KeyPlace | None
    # of the templates, which systemd hands to it


def examine(settings: Settings, installed: Installed | None = None) -> list[Finding]:
    """Model, profiles, streams, sockets, and what was asked for besides."""
    looked_at = (_overlap, _streams)
    return [
        *_model(settings, installed.key if installed else None),
        *(finding for look in looked_at for finding in look(settings)),
        *_sockets(settings, installed),
        *_extras(settings, installed),
    ]


def _model(settings: Settings, key: KeyPlace | None) -> Iterator[Finding]:
    try:
        engine = open_engine(settings)
        rules = engine.rules(settings.decision, engine.calibrator(settings.decision))
    except (ModelError, EmbedError, SettingsError, CalibrationError) as error:
        yield Finding("model", False, str(error))
        return
    yield Finding("model", True, f"{engine.embedder.model_id} on {engine.embedder.device}")
    if settings.engine.remote:
        lost = lost_by(engine.embedder)
        yield Finding("remote", not lost, lost or f"{settings.engine.remote.where} serves this model")
    yield Finding("decision", True, str(rules))
    yield from _profiles(settings, engine.embedder.model_id, key)


def _overlap(settings: Settings) -> Iterator[Finding]:
    if not settings.overlap.model:
        return
    try:
        open_overlap(settings)
    except (ModelError, EmbedError) as error:
        yield Finding("overlap", False, str(error))
        return
    share = f"inconclusive from {settings.overlap.max_share:.0%} of two voices on"
    yield Finding("overlap", True, f"{settings.overlap.model}: windows are {share}")


def _profiles(settings: Settings, model_id: str, key: KeyPlace | None) -> Iterator[Finding]:
    file = profile_file(settings)
    place = key or KeyPlace.find(settings.templates.key_file, file)
    if not file.exists():
        yield Finding("profiles", True, f"{file} does not exist yet: nobody is enrolled")
        return
    try:
        if is_plain(file):
            yield Finding("profiles", True, f"{file} will be encrypted when the daemon starts")
            return
        with closing(ProfileStore(file, key=place)) as store:
            people = store.profiles()
            waiting = {each.name for each in waiting_for(store.database, model_id)}
            kept = count_audio(store.database)
    except StoreError as error:
        yield Finding("profiles", False, str(error))
        return
    apart = {
        person.name: person.exemplars[0].model_id
        for person in people
        if person.exemplars and not any(each.model_id == model_id for each in person.exemplars)
    }
    yield Finding("profiles", True, f"{len(people) - len(apart)} people in {file}")
    yield from _apart(apart, waiting)
    yield from _kept(kept, settings)


def _apart(apart: Mapping[str, str], waiting: Set[str]) -> Iterator[Finding]:
    """Who is enrolled with another model only."""
    if anew := sorted(apart.keys() & waiting):
        names = _named(anew)
        yield Finding("profiles", True, f"{names}: made anew for this model at the start, from kept audio")
    if must := sorted(apart.keys() - waiting):
        models = ", ".join(sorted({apart[name] for name in must}))
        advice = "not recognised until they enrol again, or `model` is set back"
        yield Finding("profiles", True, f"{_named(must)}: enrolled with another model ({models}), {advice}")


def _kept(sessions: int, settings: Settings) -> Iterator[Finding]:
    if sessions:
        said = f"the audio of {sessions} session{'s' * (sessions > 1)} is kept, encrypted"
        off = "" if settings.enrolment.keep_audio else "; no more is: `earwitnessd templates forget-audio`"
        yield Finding("enrolments", True, said + off)
    elif settings.enrolment.keep_audio:
        yield Finding("enrolments", True, "what is said when somebody enrols will be kept, encrypted")


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _streams(settings: Settings) -> Iterator[Finding]:
    if any(isinstance(source, Microphone) for source in settings.streams.values()):
        yield _devices()
    for name, source in settings.streams.items():
        match source:
            case Microphone(device=device):
                yield Finding(f"stream {name}", True, f"microphone {device!r}")
            case FileReplay(path=path):
                fine = Path(path).is_file()
                yield Finding(
                    f"stream {name}", fine, f"file {path}{'' if fine else ': there is no such file'}"
                )
            case Pipe(path=path):
                fine = path == "-" or Path(path).exists()
                says = "standard input" if path == "-" else f"{path}{'' if fine else ': does not exist'}"
                yield Finding(f"stream {name}", fine, f"pipe {says}")
            case Network(key=key):
                yield _satellite(settings, name, key or name)


def _satellite(settings: Settings, stream: str, key: str) -> Finding:
    assert settings.sockets.curve is not None
    file = Path(settings.sockets.curve.satellites) / f"{key}.key"
    subject, where = f"stream {stream}", f"satellite {key}, at {settings.sockets.satellites}"
    if file.is_file():
        return Finding(subject, True, where)
    return Finding(subject, False, f"{where}: {file} does not exist; lay the public key of its machine there")


def _devices() -> Finding:
    """What a capture process sees."""
    command = [sys.executable, "-m", "earwitnessd.capture", "--list-devices"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEVICES_WITHIN_S, check=False)
        listing = msgspec.json.decode(done.stdout, type=Listing)
    except subprocess.TimeoutExpired:
        slow = f"listing them took more than {DEVICES_WITHIN_S:.0f} s: is the sound server alive?"
        return Finding("devices", False, slow)
    except msgspec.DecodeError:
        return Finding("devices", False, done.stderr.strip() or "none could be listed")
    if listing.error or not listing.devices:
        return Finding("devices", False, listing.error or "there is none that can record")
    names = [
        f"{device.index}: {device.name} ({device.rate} Hz{', default' if device.is_default else ''})"
        for device in listing.devices
    ]
    return Finding("devices", True, "; ".join(names))


def _extras(settings: Settings, installed: Installed | None) -> Iterator[Finding]:
    evidence = settings.evidence
    if evidence.keep:
        directory = evidence_directory(settings)
        mode = stat.S_IMODE(directory.stat().st_mode) if directory.exists() else 0
        events = " and ".join(evidence.events)
        says = f"of {events} in {directory} for {evidence.retention_days:g} days: people are recorded"
        open_to = f"{directory}: others may look into it (mode {mode:o}); chmod 700 it"
        yield Finding("evidence", not mode & 0o077, open_to if mode & 0o077 else says)
    yield from _sharing(settings)
    if settings.metrics.listen and not (installed and installed.serves):
        address = parse_address(settings.metrics.listen)
        try:
            listen(address).close()
            yield Finding("metrics", True, f"http://{address}/metrics is free")
        except MetricsError as error:
            yield Finding("metrics", False, str(error))


def _sharing(settings: Settings) -> Iterator[Finding]:
    """The keys of a writer or of a follower; nobody is asked."""
    try:
        if share := settings.share:
            key = read_secret(Path(share.signing_key_file).expanduser())
            yield Finding("share", True, f"signed with {key_id(key.public_key())}, for who is in followers")
        if follow := settings.follow:
            keys = WriterKeys(follow)
            yield Finding(
                "follow", True, f"{keys.name} at {follow.writer}, signed with {key_id(keys.signer)}"
            )
    except SharingError as error:
        yield Finding("share" if settings.share else "follow", False, str(error))


def _sockets(settings: Settings, installed: Installed | None) -> Iterator[Finding]:
    endpoints = sockets.resolve(settings.sockets)
    for subject, endpoint in (("events", endpoints.events), ("control", endpoints.control)):
        if installed:
            says = installed.serves or "nobody answers there: the service is not running"
            yield Finding(subject, True, f"{endpoint}: {says}")
            continue
        try:
            if lock := sockets.claim(endpoint):
                lock.close()
            yield Finding(subject, True, f"{endpoint} is free")
        except sockets.SocketError as error:
            yield Finding(subject, False, str(error))
    if curve := settings.sockets.curve:
        try:
            sockets.check_private(Path(curve.secret_key_file))
            yield Finding("keys", True, f"{len(listed(curve))} clients")
        except sockets.SocketError as error:
            yield Finding("keys", False, str(error))
