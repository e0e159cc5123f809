"""What a machine must have before one of our services can be put there, and its service manager."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import earwitness
import earwitnessd
from earwitnessd.install.allowances import EMPTIED
from earwitnessd.install.errors import InstallError
from earwitnessd.install.places import Places
from earwitnessd.install.work import Work

BOOTED = Path("/run/systemd/system")


def refuse_where_it_cannot_be(places: Places, work: Work, program: str = "earwitnessd") -> None:
    """InstallError, before anything has been touched."""
    if work.dry_run:
        return
    if not places.user and os.geteuid() != 0:
        own = ". One for your own session needs no root: --user" if program == "earwitnessd" else ""
        raise InstallError(
            f"a service of the system is installed by root: sudo {work.programs / program} install{own}"
        )
    if work.root == Path("/") and not BOOTED.is_dir():
        raise InstallError(
            f"this machine was not booted by systemd (no /run/systemd/system): run `{program} run` under "
            "the supervisor that it has, or install into a system's image with --root DIR"
        )
    if work.root == Path("/") and places.user and not (places.runtime.parent / "systemd/private").exists():
        raise InstallError(
            "there is no service manager of your session to be reached: run it within the session, or have "
            "one that outlives it (loginctl enable-linger) and set XDG_RUNTIME_DIR"
        )


def refuse_emptied(programs: Path, extra: str) -> None:
    """InstallError for an installation in a folder that does not last."""
    if any(programs.is_relative_to(place) for place in EMPTIED):
        raise InstallError(
            f"earwitness is installed in {programs}, which is emptied now and then: install it where it "
            "stays, such as\n    python3 -m venv /opt/earwitness\n"
            f"    /opt/earwitness/bin/pip install 'earwitness[{extra}]'"
        )


def installation() -> list[Path]:
    """The folders that this program consists of."""
    packages = [Path(str(package.__file__)).resolve().parents[1] for package in (earwitness, earwitnessd)]
    return [Path(sys.prefix), Path(sys.base_prefix), *packages]


def systemctl(places: Places, work: Work, *arguments: str, may_fail: bool = False) -> None:
    """To the service manager that the places belong to."""
    which = ["--user"] if places.user else []
    elsewhere = [f"--root={work.root}"] if work.root != Path("/") else []
    work.run("systemctl", *which, *elsewhere, *arguments, may_fail=may_fail)


def reload_units(places: Places, work: Work) -> None:
    """A service manager that runs reads them again."""
    if work.root == Path("/"):
        systemctl(places, work, "daemon-reload")


def disable(places: Places, work: Work, unit: str) -> None:
    """And stop it, if the system runs; of a unit that is not enabled nothing is said."""
    now = ["--now"] if work.root == Path("/") else []
    systemctl(places, work, "disable", *now, unit, may_fail=True)


def place(path: Path, text: str, work: Work) -> None:
    """A unit, or a drop-in with what is allowed beyond one; an empty text: none."""
    if not text:
        work.remove(path, "nothing beyond the shipped unit is needed")
        return
    work.place(path, text)
    if path.parent.suffix == ".d":
        for line in text.splitlines()[1:]:
            if line.startswith("#"):
                work.say("allows", line.removeprefix("# "))


def remove_units(places: Places, work: Work, units: Iterable[str]) -> None:
    """With their drop-ins."""
    for unit in units:
        work.remove(places.units / unit)
        work.remove(places.allowances_of(unit))
        work.remove_if_empty(places.allowances_of(unit).parent)
