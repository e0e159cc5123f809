"""Reads a satellite's settings: the file over the defaults, `--set` over the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import yaml

from earwitnessd.satellite.settings import SatelliteSettings
from earwitnessd.settings.sources import FileReplay
from earwitnessd.settings.tree import override, read_tree
from earwitnessd.settings.validate import SettingsError, to_settings


def load(file: Path | None, overrides: Sequence[str] = ()) -> SatelliteSettings:
    """Settings in force for this file and these `key.path=value` overrides."""
    tree = read_tree(file) if file else {}
    for each in overrides:
        override(tree, each)
    try:
        settings = to_settings(tree, SatelliteSettings)
        _check_together(settings)
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}" if file else str(error)) from None
    return settings


def dump(settings: SatelliteSettings) -> str:
    """The effective settings as YAML."""
    return yaml.safe_dump(msgspec.to_builtins(settings), sort_keys=False, allow_unicode=True)


def _check_together(settings: SatelliteSettings) -> None:
    host, colon, port = settings.daemon.removeprefix("tcp://").rpartition(":")
    if not settings.daemon.startswith("tcp://") or not host or not colon or not port.isdecimal():
        raise SettingsError(
            f"daemon = {settings.daemon!r}: must be tcp://HOST:PORT, as the daemon's sockets.satellites"
        )
    source = settings.source
    if isinstance(source, FileReplay) and source.pace == "fast":
        raise SettingsError("source.pace = fast: a satellite sends no faster than it hears; use realtime")
