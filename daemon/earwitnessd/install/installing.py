"""Puts the service in place, or takes it away again; both may be run any number of times."""

from __future__ import annotations

from pathlib import Path

from earwitnessd.access.keys import new_key_pair
from earwitnessd.engines.amx.sources import KERNELS
from earwitnessd.install.allowances import drop_in, homes_drop_in
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
from earwitnessd.install.microphone import FILES as MICROPHONE_FILES
from earwitnessd.install.microphone import UNIT as MICROPHONE
from earwitnessd.install.places import SYSUSERS, TMPFILES, UNIT, Places
from earwitnessd.install.units import HOOKS, PLACED, daemon_unit, filled_in, shipped
from earwitnessd.install.work import Work
from earwitnessd.native.compiling import CompileError, Sources
from earwitnessd.native.cpu import lacks_tiles
from earwitnessd.profiles.sealing import is_plain
from earwitnessd.settings.load import load
from earwitnessd.settings.root import Settings
from earwitnessd.settings.validate import SettingsError
from earwitnessd.speech.silero_compiled import GATE
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.key_file import write_key


def install(places: Places, work: Work, *, start: bool) -> None:
    """Units, user, folders, settings, keys; enabled, and started if so wished."""
    refuse_where_it_cannot_be(places, work)
    if not places.user:
        refuse_emptied(work.programs, "daemon")
        _accounts(work)
    work.start_with(places.config, shipped("earwitnessd.yaml"), 0o644, "settings")
    settings = _settings(work.at(places.config))
    if not places.user:
        _keys(places, work)
    for path, text in expected_files(settings, places, work.programs).items():
        place(path, text, work)
    _compile(work)
    _enable(places, work, start=start)


def uninstall(places: Places, work: Work, *, purge: bool) -> None:
    """Keeps voice profiles, settings and keys unless `purge`."""
    refuse_where_it_cannot_be(places, work)
    for unit in (UNIT, *HOOKS):
        if work.at(places.units / unit).exists() and "@" not in unit:
            disable(places, work, unit)
    if not places.user:
        disable(places, work, "earwitness-on@*.service")
    remove_units(places, work, (UNIT, *HOOKS))
    if not places.user:
        work.remove(TMPFILES)
        work.remove(SYSUSERS)
    for sources in (GATE, KERNELS):
        work.remove(compiled(sources, work), sources.what)
    work.remove_if_empty(compiled(GATE, work).parent)
    reload_units(places, work)
    _leave(places, work, purge=purge)


def expected_files(settings: Settings, places: Places, programs: Path) -> dict[Path, str]:
    """What `install` would write of units now; an empty text: nothing."""
    found = {places.unit: daemon_unit(programs, places)}
    if not places.user:
        found[places.allowances] = _ours(drop_in(settings, installation(), places))
        for hook in HOOKS:
            found[places.units / hook] = filled_in(hook, programs, places)
            found[places.allowances_of(hook)] = _ours(homes_drop_in(installation()))
    return found


def compiled(sources: Sources, work: Work) -> Path:
    """Where the daemon finds what was compiled: the service cannot load what it could have written."""
    return sources.of_installation(work.programs.parent)


def _ours(text: str) -> str:
    return PLACED + text if text else ""


def _accounts(work: Work) -> None:
    """The user of the service and the folders that only root may make."""
    work.place(SYSUSERS, PLACED + shipped("earwitness.sysusers.conf"))
    work.place(TMPFILES, PLACED + shipped("earwitness.tmpfiles.conf"))
    root = [f"--root={work.root}"] if work.root != Path("/") else []
    work.run("systemd-sysusers", *root)
    work.run("systemd-tmpfiles", *root, "--create", "--prefix=/etc/earwitness")


def _keys(places: Places, work: Work) -> None:
    beside = places.state / "profiles.db.key"
    work.move(beside, places.template_key, "the key that the voice profiles are sealed with")
    profiles = work.at(places.state / "profiles.db")
    if profiles.exists() and not is_plain(profiles) and not work.at(places.template_key).exists():
        work.say(
            "MISSING",
            f"{places.template_key}: there are voice profiles, and a new key would open none of them. "
            "Restore it from a backup (unless the unit hands over an encrypted one); without it, move "
            f"{profiles} away, install again and enrol everybody anew",
        )
    else:
        _make_template_key(places, work)
    work.make(
        places.server_key,
        "the daemon's own, for tcp sockets",
        _server_key,
    )


def _make_template_key(places: Places, work: Work) -> None:
    work.make(
        places.template_key,
        "seals the voice profiles: keep a copy of it, and not with the profiles",
        lambda file: write_key(file, TemplateKey.new()),
    )


def _server_key(file: Path) -> None:
    new_key_pair(file.parent, file.stem)


def _compile(work: Work) -> None:
    """What the daemon also does without, and takes longer."""
    for sources in (GATE,) if lacks_tiles() else (GATE, KERNELS):
        try:
            work.make(compiled(sources, work), sources.what, sources.compile)
        except CompileError as error:
            work.say("MISSING", f"{sources.what}: {error}, then install again (it works without, slower)")


def _settings(file: Path) -> Settings:
    try:
        return load(file if file.exists() else None)
    except SettingsError as error:
        raise InstallError(f"{error}; correct the settings, then install again") from None


def _enable(places: Places, work: Work, *, start: bool) -> None:
    reload_units(places, work)
    systemctl(places, work, "enable", UNIT)
    if start:
        systemctl(places, work, "restart", UNIT)
        return
    who = "systemctl --user" if places.user else "systemctl"
    work.say(
        "next", f"{who} start earwitnessd (it starts by itself {_when(places)}); then: earwitnessd doctor"
    )


def _when(places: Places) -> str:
    return "when you log in" if places.user else "at boot"


def _leave(places: Places, work: Work, *, purge: bool) -> None:
    kept = {places.config.parent: "settings and keys", places.state: "voice profiles", places.cache: "cache"}
    for path, what in kept.items():
        if purge:
            _purge(path, what, places, work)
        elif work.at(path).exists():
            work.say("kept", f"{path} ({what}): --purge removes it")
    if not places.user:
        work.say("kept", "the user and group earwitness: userdel earwitness removes them")


def _purge(path: Path, what: str, places: Places, work: Work) -> None:
    """All of a folder, but for what the microphone's service beside us needs."""
    others = [file for file in MICROPHONE_FILES if file.is_relative_to(path) and work.at(file).exists()]
    if places.user or not others or not work.at(places.units / MICROPHONE).exists():
        work.remove(path, what)
        return
    for found in sorted(work.at(path).iterdir()):
        if (inside := path / found.name) not in others:
            work.remove(inside, what)
    work.say("kept", f"{path} (of {MICROPHONE})")
