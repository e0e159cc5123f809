"""Looks at everything, in the order in which it is needed."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from earwitnessd.access import sockets
from earwitnessd.assemble import state_directory
from earwitnessd.doctor.access import access, running_daemon
from earwitnessd.doctor.clock import clock
from earwitnessd.doctor.disk import disk
from earwitnessd.doctor.finding import Finding
from earwitnessd.doctor.parts import parts, profiles
from earwitnessd.doctor.sound import sound_cards, sound_server
from earwitnessd.doctor.streams import streams
from earwitnessd.doctor.unit import unit
from earwitnessd.install.errors import InstallError
from earwitnessd.install.installing import expected_files
from earwitnessd.install.places import Places
from earwitnessd.install.work import programs_here
from earwitnessd.kernel_clock import kernel_status
from earwitnessd.settings.root import Settings
from earwitnessd.templates.key_file import KeyPlace


def examine(settings: Settings, places: Places, *, service: bool) -> Iterator[Finding]:
    """`service`: it is the installed service that these settings are for."""
    endpoints = sockets.resolve(settings.sockets)
    running = running_daemon(endpoints)
    if running:
        yield Finding("daemon", "ok", f"{running.version}, process {running.pid}: {running.heartbeat.status}")
    else:
        yield Finding(
            "daemon", "note", "none answers on these sockets", "earwitnessd run, or start the service"
        )
    yield from unit(places, _expected(settings, places))
    yield sound_server(os.environ)
    yield from sound_cards("earwitness" if service and not places.user else _me())
    yield from streams(settings, running)
    yield from parts(settings, running)
    yield from profiles(settings, running, _credential(settings, places) if service else None)
    yield from access(settings, endpoints, running)
    yield disk(state_directory())
    yield clock(datetime.now(UTC), kernel_status())


def _expected(settings: Settings, places: Places) -> dict[Path, str]:
    try:
        return expected_files(settings, places, programs_here())
    except InstallError:  # run from somewhere that could not be installed
        return {}


def _credential(settings: Settings, places: Places) -> KeyPlace | None:
    """The key that systemd hands to the service, and not to us."""
    handed_over = not places.user and settings.templates.key_file == "auto"
    return KeyPlace(places.template_key, credential=True) if handed_over else None


def _me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
