"""Says which client keys may subscribe and which may control: a ZAP handler for the CURVE sockets."""

from __future__ import annotations

import logging
from pathlib import Path

import zmq
import zmq.auth
from zmq.utils import z85

from earwitness.endpoints import CONTROL, EVENTS
from earwitnessd.settings.root import Curve

log = logging.getLogger(__name__)

ZAP_ENDPOINT = "inproc://zeromq.zap.01"


class KeyRing:
    """Owned by the main thread. Must be bound before any CURVE socket is."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], curve: Curve) -> None:
        self.socket = context.socket(zmq.REP)
        self.socket.set(zmq.LINGER, 0)
        self.socket.bind(ZAP_ENDPOINT)
        self.refused = 0
        self._curve = curve
        self._allowed: dict[str, frozenset[bytes]] = {}
        self.reload()

    def reload(self) -> None:
        """Read the directories again; open connections stay."""
        self._allowed = {
            EVENTS: _public_keys(Path(self._curve.subscribers)),
            CONTROL: _public_keys(Path(self._curve.controllers)),
        }

    def on_request(self) -> None:
        """Answer one handshake."""
        frames = self.socket.recv_multipart()
        if len(frames) < 7:
            self.socket.send_multipart([b"1.0", b"", b"400", b"malformed", b"", b""])
            return
        version, request_id, domain, address, _identity, mechanism, *credentials = frames
        known = self._allowed.get(domain.decode(errors="replace"), frozenset())
        accepted = mechanism == b"CURVE" and bool(credentials) and credentials[0] in known
        if not accepted:
            self.refused += 1
            log.warning("refused a client from %s on %s", address.decode(), domain.decode())
        verdict = (b"200", b"OK") if accepted else (b"400", b"this key is not on the list")
        self.socket.send_multipart([version, request_id, *verdict, b"", b""])

    def close(self) -> None:
        """Stop answering."""
        self.socket.close()


def new_key_pair(directory: Path, name: str) -> tuple[Path, Path]:
    """Write NAME.key and NAME.key_secret (mode 0600); their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    secret_file = directory / f"{name}.key_secret"
    if secret_file.exists():
        raise FileExistsError(f"{secret_file} exists: remove it first, if it is no longer in use")
    public, secret = zmq.auth.create_certificates(directory, name)
    Path(secret).chmod(0o600)
    return Path(public), Path(secret)


def _public_keys(directory: Path) -> frozenset[bytes]:
    if not directory.is_dir():
        log.warning("%s is not a directory: nobody is allowed by it", directory)
        return frozenset()
    keys = set()
    for file in sorted(directory.glob("*.key")):
        try:
            public, _ = zmq.auth.load_certificate(file)
            keys.add(z85.decode(public))
        except (OSError, ValueError, KeyError) as error:  # KeyError: a character that Z85 does not know
            log.warning("%s is not a public key: %s", file, error)
    return frozenset(keys)
