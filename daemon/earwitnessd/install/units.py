"""The unit files that are shipped, filled in with where this earwitness is installed."""

from __future__ import annotations

from pathlib import Path

from earwitnessd.install.errors import InstallError
from earwitnessd.install.places import SYSTEM, UNIT, Places

PLACED = "# Placed by `earwitnessd install`.\n"
OURS = "# Placed by `earwitness"
# whichever of our programs did
HOOKS = ("earwitness-mqtt.service", "earwitness-on@.service")
SHIPPED_PROGRAMS = "/opt/earwitness/bin/"

_PACKAGE = Path(__file__).resolve().parents[1]


def sources() -> Path:
    """The folder of shipped files: in the package, or beside it in a checkout."""
    for folder in (_PACKAGE / "systemd", _PACKAGE.parents[1] / "systemd"):
        if (folder / UNIT).is_file():
            return folder
    raise InstallError(f"the unit files are missing from this installation ({_PACKAGE}): install it again")


def shipped(name: str) -> str:
    """The text of one."""
    return (sources() / name).read_text(encoding="utf-8")


def filled_in(name: str, programs: Path, places: Places) -> str:
    """With the folder of `earwitnessd` and the settings file of this installation."""
    text = shipped(name).replace(SHIPPED_PROGRAMS, f"{programs}/")
    if not places.user:
        text = text.replace(str(SYSTEM.config), str(places.config))
    return PLACED + text


def daemon_unit(programs: Path, places: Places) -> str:
    """Of the daemon itself."""
    return filled_in(f"user/{UNIT}" if places.user else UNIT, programs, places)
