"""The settings of a satellite, with their defaults and ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from earwitnessd.settings.root import Section
from earwitnessd.settings.sources import LocalSource, Microphone

CONFIG = Path("/etc/earwitness/mic.yaml")
DAEMON_KEY = Path("/etc/earwitness/daemon.key")
SECRET_KEY = Path("/etc/earwitness/mic.key_secret")


class SatelliteSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file of `earwitness-mic`."""

    daemon: str
    # where it listens, tcp://HOST:PORT: its sockets.satellites
    daemon_key: str = str(DAEMON_KEY)
    # the file of its public key (NAME.key)
    key: str = "auto"
    # the file of this machine's secret key (NAME.key_secret); its public half tells the daemon which stream.
    # auto: what systemd hands over, or else /etc/earwitness/mic.key_secret
    source: LocalSource = Microphone()
    send: Literal["everything", "speech"] = "everything"
    # "speech": of silence only how long and how loud it was
    buffer_s: Annotated[float, msgspec.Meta(ge=2.0, le=600.0)] = 60.0
    # so much audio is kept while the daemon cannot be reached (32 kB a second); the oldest goes first
    block_s: Annotated[float, msgspec.Meta(ge=0.05, le=0.5)] = 0.25
    # of audio that make a message: shorter ones arrive sooner, and cost more
    log_level: Literal["debug", "info", "warning", "error"] = "info"
