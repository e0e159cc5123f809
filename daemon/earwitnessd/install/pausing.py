"""Has the service stand still while something is done to what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from earwitnessd.install.ground import systemctl
from earwitnessd.install.places import UNIT, Places
from earwitnessd.install.work import Work


@contextmanager
def stopped(places: Places, work: Work) -> Iterator[None]:
    """It is started again whatever happens meanwhile; InstallError if systemd cannot do that."""
    systemctl(places, work, "stop", UNIT)
    try:
        yield
    finally:
        systemctl(places, work, "start", UNIT)
