"""Which daemon a command is about: the installed service, one's own, or whose settings are named."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from earwitnessd.install.places import Places
    from earwitnessd.settings.root import Settings
    from earwitnessd.templates.key_file import KeyPlace


@dataclass(frozen=True, slots=True)
class Meant:
    """What is looked at."""

    places: Places
    service: bool
    # it is installed there, and the settings are its own
    config: Path | None

    @property
    def name(self) -> str:
        """For people."""
        return "the service of your session" if self.places.user else "the service earwitnessd"

    @property
    def not_yours(self) -> str:
        """What to do for whoever may not look."""
        return f"the profiles of {self.name} are not yours to look at: run it as root; --user: your own"

    def handed_key(self, settings: Settings) -> KeyPlace | None:
        """The templates' key that systemd hands to the service, and not to us."""
        from earwitnessd.templates.key_file import KeyPlace

        handed_over = self.service and not self.places.user and settings.templates.key_file == "auto"
        return KeyPlace(self.places.template_key, credential=True) if handed_over else None

    def look_as(self) -> None:
        """Find things where the service does: what systemd would tell it."""
        if not self.service:
            return
        if not self.places.user:
            os.environ.setdefault("STATE_DIRECTORY", str(self.places.state))
            os.environ.setdefault("CACHE_DIRECTORY", str(self.places.cache))
        os.environ.setdefault("RUNTIME_DIRECTORY", str(self.places.runtime))


def meant(config: Path | None, *, user: bool) -> Meant:
    """Without settings that are named it is the installed service, if there is one."""
    from earwitnessd.install.places import SYSTEM, users_places

    own = users_places(os.environ, Path.home())
    places = own if user or (own.unit.exists() and not SYSTEM.unit.exists()) else SYSTEM
    service = places.unit.exists() and config in {None, places.config}
    return Meant(places, service, places.config if service else config)
