"""Where the parts of a service lie: one of the system, or one of a user's session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

UNIT = "earwitnessd.service"
ALLOWANCES = "10-earwitness-install.conf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Paths as the service sees them."""

    user: bool
    # a service manager of a user's session
    units: Path
    config: Path
    keys: Path
    state: Path
    cache: Path
    runtime: Path

    @property
    def unit(self) -> Path:
        """Of the daemon."""
        return self.units / UNIT

    @property
    def allowances(self) -> Path:
        """The drop-in with what these settings and this installation need."""
        return self.allowances_of(UNIT)

    def allowances_of(self, unit: str) -> Path:
        """The same for any unit."""
        return self.units / f"{unit}.d" / ALLOWANCES

    @property
    def template_key(self) -> Path:
        """Handed to the system's service as a credential."""
        return self.keys / "template.key"

    @property
    def server_key(self) -> Path:
        """The secret half."""
        return self.keys / "earwitnessd.key_secret"


SYSTEM = Places(
    user=False,
    units=Path("/etc/systemd/system"),
    config=Path("/etc/earwitness/earwitnessd.yaml"),
    keys=Path("/etc/earwitness/keys"),
    state=Path("/var/lib/earwitness"),
    cache=Path("/var/cache/earwitness"),
    runtime=Path("/run/earwitness"),
)
SYSUSERS = Path("/etc/sysusers.d/earwitness.conf")
TMPFILES = Path("/etc/tmpfiles.d/earwitness.conf")


def users_places(environ: Mapping[str, str], home: Path) -> Places:
    """Of the user with this environment."""
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or "/run/user")
    return Places(
        user=True,
        units=config / "systemd" / "user",
        config=config / "earwitness" / "earwitnessd.yaml",
        keys=config / "earwitness" / "keys",
        state=data / "earwitness",
        cache=cache / "earwitness",
        runtime=runtime / "earwitness",
    )
