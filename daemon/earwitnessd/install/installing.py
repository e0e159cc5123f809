"""Puts the service in place, or takes it away again; both may be run any number of times."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import earwitness
import earwitnessd
from earwitnessd.access.keys import new_key_pair
from earwitnessd.install.allowances import EMPTIED, drop_in, hook_drop_in
from earwitnessd.install.errors import InstallError
from earwitnessd.install.places import ALLOWANCES, SYSUSERS, TMPFILES, UNIT, Places
from earwitnessd.install.units import HOOKS, PLACED, daemon_unit, filled_in, shipped
from earwitnessd.install.work import Work
from earwitnessd.profiles.sealing import is_plain
from earwitnessd.settings.load import load
from earwitnessd.settings.root import Settings
from earwitnessd.settings.validate import SettingsError
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.key_file import write_key

BOOTED = Path("/run/systemd/system")


def refuse_where_it_cannot_be(places: Places, work: Work) -> None:
    """InstallError, before anything has been touched."""
    if work.dry_run:
        return
    if not places.user and os.geteuid() != 0:
        raise InstallError(
            "a service of the system is installed by root: sudo "
            f"{work.programs / 'earwitnessd'} install. One for your own session needs no root: --user"
        )
    if work.root == Path("/") and not BOOTED.is_dir():
        raise InstallError(
            "this machine was not booted by systemd (no /run/systemd/system): run `earwitnessd run` under "
            "the supervisor that it has, or install into a system's image with --root DIR"
        )
    if work.root == Path("/") and places.user and not _session_manager(places).exists():
        raise InstallError(
            "there is no service manager of your session to be reached: run it within the session, or have "
            "one that outlives it (loginctl enable-linger) and set XDG_RUNTIME_DIR"
        )


def _session_manager(places: Places) -> Path:
    return places.runtime.parent / "systemd" / "private"


def install(places: Places, work: Work, *, start: bool) -> None:
    """Units, user, folders, settings, keys; enabled, and started if so wished."""
    refuse_where_it_cannot_be(places, work)
    if not places.user:
        _refuse_emptied(work.programs)
        _accounts(work)
    work.start_with(places.config, shipped("earwitnessd.yaml"), 0o644, "settings")
    settings = _settings(work.at(places.config))
    if not places.user:
        _keys(places, work)
    for path, text in expected_files(settings, places, work.programs).items():
        _place(path, text, work)
    _enable(places, work, start=start)


def uninstall(places: Places, work: Work, *, purge: bool) -> None:
    """Keeps voice profiles, settings and keys unless `purge`."""
    refuse_where_it_cannot_be(places, work)
    for unit in (UNIT, *HOOKS):
        if work.at(places.units / unit).exists() and "@" not in unit:
            systemctl(places, work, "disable", *_now(work), unit, may_fail=True)
    if not places.user:
        systemctl(places, work, "disable", *_now(work), "earwitness-on@*.service", may_fail=True)
    for unit in (UNIT, *HOOKS):
        work.remove(places.units / unit)
        work.remove(places.allowances_of(unit))
        work.remove_if_empty(places.allowances_of(unit).parent)
    if not places.user:
        work.remove(TMPFILES)
        work.remove(SYSUSERS)
    _reload(places, work)
    _leave(places, work, purge=purge)


def expected_files(settings: Settings, places: Places, programs: Path) -> dict[Path, str]:
    """What `install` would write of units now; an empty text: nothing."""
    found = {places.unit: daemon_unit(programs, places)}
    if not places.user:
        found[places.allowances] = _ours(drop_in(settings, installation(), places))
        for hook in HOOKS:
            found[places.units / hook] = filled_in(hook, programs, places)
            found[places.allowances_of(hook)] = _ours(hook_drop_in(installation()))
    return found


def _ours(text: str) -> str:
    return PLACED + text if text else ""


def systemctl(places: Places, work: Work, *arguments: str, may_fail: bool = False) -> None:
    """To the service manager that the places belong to."""
    which = ["--user"] if places.user else []
    elsewhere = [f"--root={work.root}"] if work.root != Path("/") else []
    work.run("systemctl", *which, *elsewhere, *arguments, may_fail=may_fail)


def _refuse_emptied(programs: Path) -> None:
    if any(programs.is_relative_to(place) for place in EMPTIED):
        raise InstallError(
            f"earwitness is installed in {programs}, which is emptied now and then: install it where it "
            "stays, such as\n    python3 -m venv /opt/earwitness\n"
            "    /opt/earwitness/bin/pip install 'earwitness[daemon]'"
        )


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


def _settings(file: Path) -> Settings:
    try:
        return load(file if file.exists() else None)
    except SettingsError as error:
        raise InstallError(f"{error}; correct the settings, then install again") from None


def _place(path: Path, text: str, work: Work) -> None:
    """A unit, or a drop-in with what is allowed beyond one."""
    if not text:
        work.remove(path, "nothing beyond the shipped unit is needed")
        return
    work.place(path, text)
    if path.name == ALLOWANCES:
        for line in text.splitlines()[1:]:
            if line.startswith("#"):
                work.say("allows", line.removeprefix("# "))


def installation() -> list[Path]:
    """The folders that this program consists of."""
    packages = [Path(str(package.__file__)).resolve().parents[1] for package in (earwitness, earwitnessd)]
    return [Path(sys.prefix), Path(sys.base_prefix), *packages]


def _enable(places: Places, work: Work, *, start: bool) -> None:
    _reload(places, work)
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


def _reload(places: Places, work: Work) -> None:
    if work.root == Path("/"):
        systemctl(places, work, "daemon-reload")


def _now(work: Work) -> list[str]:
    return ["--now"] if work.root == Path("/") else []


def _leave(places: Places, work: Work, *, purge: bool) -> None:
    kept = {places.config.parent: "settings and keys", places.state: "voice profiles", places.cache: "cache"}
    for path, what in kept.items():
        if purge:
            work.remove(path, what)
        elif work.at(path).exists():
            work.say("kept", f"{path} ({what}): --purge removes it")
    if not places.user:
        work.say("kept", "the user and group earwitness: userdel earwitness removes them")
