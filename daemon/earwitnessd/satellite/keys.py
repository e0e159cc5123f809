"""The keys of a satellite's link."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import zmq
import zmq.auth


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """Z85 text. (The client package has the like, but costs a small machine three megabytes.)"""

    daemon_public: bytes
    public: bytes
    secret: bytes

    @classmethod
    def load(cls, secret_file: Path, daemon_file: Path) -> LinkKeys:
        """Read the two files that `earwitness-mic key` and `earwitnessd keys new` wrote."""
        public, secret = zmq.auth.load_certificate(secret_file)
        daemon_public, _ = zmq.auth.load_certificate(daemon_file)
        if secret is None:
            raise ValueError(f"{secret_file} holds no secret key: name the file that ends in .key_secret")
        return cls(daemon_public, public, secret)

    def secure(self, socket: zmq.Socket[bytes]) -> None:
        """Before it connects."""
        socket.curve_serverkey = self.daemon_public
        socket.curve_publickey = self.public
        socket.curve_secretkey = self.secret
