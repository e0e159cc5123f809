"""Puts the service of a microphone for a daemon elsewhere in place, or takes it away again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zmq.auth

from earwitnessd.access.keys import new_key_pair
from earwitnessd.install.allowances import homes_drop_in
from earwitnessd.install.errors import InstallError
from earwitnessd.install.ground import (
    disable,
    installation,
    place,
    refuse_emptied,
    refuse_where_it_cannot_be,
    reload_units,
    remove_units,
    systemctl,
)
from earwitnessd.install.places import SYSTEM
from earwitnessd.install.units import SHIPPED_PROGRAMS, shipped
from earwitnessd.install.work import Work
from earwitnessd.satellite.keys import public_key
from earwitnessd.satellite.reading import load
from earwitnessd.satellite.settings import CONFIG, DAEMON_KEY, SECRET_KEY, SatelliteSettings
from earwitnessd.settings.sources import FileReplay, Pipe
from earwitnessd.settings.validate import SettingsError

UNIT = "earwitness-mic.service"
PROGRAM = "earwitness-mic"
PLACED = "# Placed by `earwitness-mic install`.\n"
PUBLIC_KEY = SECRET_KEY.with_suffix(".key")
FILES = (CONFIG, SECRET_KEY, PUBLIC_KEY, DAEMON_KEY)
# that are the operator's

UNSAID = "#daemon: tcp://192.168.1.10:5572"
# a line of the first settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the operator says at the first installation."""

    daemon: str | None = None
    # where it listens
    daemon_key: Path | None = None
    # a file with its public key, to be copied
    start: bool = False


def install(work: Work, wish: Wish) -> None:
    """Settings, keys, unit; enabled, and started if so wished and if it could run."""
    refuse_where_it_cannot_be(SYSTEM, work, PROGRAM)
    refuse_emptied(work.programs, "mic")
    _refuse_what_does_not_fit(work, wish)
    _begin_settings(work, wish.daemon)
    work.make(SECRET_KEY, f"this machine's own, with {PUBLIC_KEY.name} for the daemon", _key_pair)
    if wish.daemon_key is not None:
        given = wish.daemon_key
        work.make(DAEMON_KEY, f"the daemon's, from {given}", lambda file: _copy(given, file))
    place(SYSTEM.units / UNIT, unit(work.programs), work)
    place(SYSTEM.allowances_of(UNIT), _allowed(work), work)
    reload_units(SYSTEM, work)
    systemctl(SYSTEM, work, "enable", UNIT)
    missing = list(_missing(work, wish))
    if wish.start and not missing:
        systemctl(SYSTEM, work, "restart", UNIT)
    _tell(work, missing, started=wish.start and not missing)


def uninstall(work: Work, *, purge: bool) -> None:
    """Keeps settings and keys unless `purge`."""
    refuse_where_it_cannot_be(SYSTEM, work, PROGRAM)
    if work.at(SYSTEM.units / UNIT).exists():
        disable(SYSTEM, work, UNIT)
    remove_units(SYSTEM, work, [UNIT])
    reload_units(SYSTEM, work)
    for file in FILES:
        if purge:
            work.remove(file)
        elif work.at(file).exists():
            work.say("kept", f"{file}: --purge removes it")
    if purge:
        work.remove_if_empty(CONFIG.parent)


def unit(programs: Path) -> str:
    """With the folder of `earwitness-mic`."""
    return PLACED + shipped(UNIT).replace(SHIPPED_PROGRAMS, f"{programs}/")


def _refuse_what_does_not_fit(work: Work, wish: Wish) -> None:
    settings = _settings(work.at(CONFIG))
    if wish.daemon is not None:
        _check_address(wish.daemon)
        if settings is not None and settings.daemon != wish.daemon:
            raise InstallError(f"{CONFIG} says daemon: {settings.daemon}; if that changed, change it there")
    if wish.daemon_key is not None:
        _check_public(wish.daemon_key, work.at(DAEMON_KEY))
    if settings is not None and settings.key not in {"auto", str(SECRET_KEY)}:
        raise InstallError(
            f"{CONFIG} says key: {settings.key}, which the service cannot read: have it as {SECRET_KEY}, "
            "for root alone (systemd hands it over), and remove `key` from the settings"
        )


def _settings(file: Path) -> SatelliteSettings | None:
    """None: there are none yet, or nobody has said where the daemon is."""
    if not file.exists() or _unfinished(file):
        return None
    try:
        return load(file)
    except SettingsError as error:
        raise InstallError(f"{error}; correct the settings, then install again") from None


def _unfinished(file: Path) -> bool:
    return not any(line.startswith("daemon:") for line in file.read_text(encoding="utf-8").splitlines())


def _check_address(daemon: str) -> None:
    try:
        load(None, [f"daemon={daemon}"])
    except SettingsError as error:
        raise InstallError(f"--daemon: {error}") from None


def _check_public(given: Path, there: Path) -> None:
    try:
        public, secret = zmq.auth.load_certificate(given)
        if there.exists() and public_key(there) != public:
            raise InstallError(f"{DAEMON_KEY} is another key: if the daemon's has changed, remove it first")
    except (OSError, ValueError) as error:
        raise InstallError(f"--daemon-key: {given} holds no public key ({error})") from None
    if secret is not None:
        raise InstallError(
            f"--daemon-key: {given} is the daemon's secret key, which must not leave its machine: "
            "bring the file that ends in .key, and think of whoever may have seen this one"
        )


def _begin_settings(work: Work, daemon: str | None) -> None:
    """Write them, or the one line without which those that are there do not count."""
    file = work.at(CONFIG)
    if daemon and file.exists() and _unfinished(file):
        work.amend(CONFIG, _with_daemon(file.read_text(encoding="utf-8"), daemon), "where the daemon is")
        return
    text = shipped("mic.yaml")
    work.start_with(CONFIG, _with_daemon(text, daemon) if daemon else text, 0o644, "settings")


def _with_daemon(text: str, daemon: str) -> str:
    return text.replace(UNSAID, f"daemon: {daemon}") if UNSAID in text else f"daemon: {daemon}\n{text}"


def _key_pair(file: Path) -> None:
    new_key_pair(file.parent, file.stem)


def _copy(given: Path, file: Path) -> None:
    shutil.copyfile(given, file)
    file.chmod(0o644)


def _allowed(work: Work) -> str:
    settings = _settings(work.at(CONFIG)) if not work.dry_run else None
    source = settings.source if settings else None
    read = [Path(source.path)] if isinstance(source, FileReplay | Pipe) and source.path[:1] == "/" else []
    text = homes_drop_in([*installation(), *read])
    return PLACED + text if text else ""


def _missing(work: Work, wish: Wish) -> Iterator[str]:
    """What the operator has yet to do on this machine."""
    if wish.daemon is None and _settings(work.at(CONFIG)) is None:
        yield f"say where the daemon is: daemon in {CONFIG}"
    if wish.daemon_key is None and not work.at(DAEMON_KEY).exists():
        yield f"bring the daemon's public key: as {DAEMON_KEY}"


def _tell(work: Work, missing: list[str], *, started: bool) -> None:
    for each in missing:
        work.say("next", each)
    work.say(
        "next",
        f"on the daemon's machine: {PUBLIC_KEY} of here into its sockets.curve.satellites, named after its "
        "stream (kitchen.key), and the stream into its settings (kitchen: {source: network})",
    )
    work.say("next", f"{'' if started else 'systemctl start earwitness-mic; then: '}earwitness-mic check")
