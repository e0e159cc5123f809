"""The keys of a satellite's link."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import zmq
import zmq.auth

from earwitnessd.satellite.settings import SECRET_KEY

NONE_GIVEN = "missing"  # SetCredential=mic.key_secret:missing of the unit: systemd found no key to hand over


def secret_file(setting: str) -> Path:
    """As set; "auto": what systemd handed over, or else where `earwitness-mic install` makes it."""
    if setting != "auto":
        return Path(setting)
    given = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / SECRET_KEY.name
    return given if given.exists() else SECRET_KEY


def public_key(file: Path) -> bytes:
    """In Z85; ValueError where there is none."""
    public, _ = zmq.auth.load_certificate(file)
    return public


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """Z85 text. (The client package has the like, but costs a small machine three megabytes.)"""

    daemon_public: bytes
    public: bytes
    secret: bytes

    @classmethod
    def load(cls, secret_file: Path, daemon_file: Path) -> LinkKeys:
        """Read the two files that `earwitness-mic key` and `earwitnessd keys new` wrote."""
        public, secret = _certificate(secret_file, "earwitness-mic install, or earwitness-mic key, makes it")
        daemon_public, _ = _certificate(daemon_file, "bring it from the daemon's machine")
        if secret is None:
            raise ValueError(f"{secret_file} holds no secret key: name the file that ends in .key_secret")
        return cls(daemon_public, public, secret)

    def secure(self, socket: zmq.Socket[bytes]) -> None:
        """Before it connects."""
        socket.curve_serverkey = self.daemon_public
        socket.curve_publickey = self.public
        socket.curve_secretkey = self.secret


def _certificate(file: Path, mend: str) -> tuple[bytes, bytes | None]:
    if not file.exists() or file.read_text(encoding="utf-8", errors="replace").strip() == NONE_GIVEN:
        named = SECRET_KEY if file.name == SECRET_KEY.name and file.exists() else file
        raise ValueError(f"{named} is not there: {mend}")
    try:
        return zmq.auth.load_certificate(file)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
