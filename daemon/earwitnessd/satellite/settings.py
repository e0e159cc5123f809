"""The settings of a satellite, with their defaults and ranges, and how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from earwitnessd.settings.root import Section
from earwitnessd.settings.sources import FileReplay, LocalSource, Microphone
from earwitnessd.settings.tree import override, read_tree
from earwitnessd.settings.validate import SettingsError, to_settings


class SatelliteSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file of `earwitness-mic`."""

    daemon: str
    # where it listens, tcp://HOST:PORT: its sockets.satellites
    daemon_key: str
    # the file of its public key (NAME.key)
    key: str
    # the file of this machine's secret key (NAME.key_secret); its public half tells the daemon which stream
    source: LocalSource = Microphone()
    send: Literal["everything", "speech"] = "everything"
    # "speech": of silence only how long and how loud it was
    buffer_s: Annotated[float, msgspec.Meta(ge=2.0, le=600.0)] = 60.0
    # so much audio is kept while the daemon cannot be reached (32 kB a second); the oldest goes first
    block_s: Annotated[float, msgspec.Meta(ge=0.05, le=0.5)] = 0.25
    # of audio that make a message: shorter ones arrive sooner, and cost more
    log_level: Literal["debug", "info", "warning", "error"] = "info"


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
