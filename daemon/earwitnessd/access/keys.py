"""Says which client keys may subscribe, control, or send audio: a ZAP handler for the CURVE sockets."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from pathlib import Path

import zmq
import zmq.auth
from zmq.utils import z85

from earwitness.endpoints import CONTROL, EVENTS, SATELLITES
from earwitnessd.settings.root import Curve

log = logging.getLogger(__name__)

NAME = re.compile(r"\w[\w.-]{0,63}")
CONTROLLERS = "controllers"
FOLLOWERS = "followers"  # keys that are let in to control, but only to follow
REVOKED = ".revoked"  # what a public key's file ends in when it no longer counts
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
        self._names: dict[bytes, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read the directories again; whose key is gone is shown out by the doors."""
        self._read_files = self._look()
        controllers = _public_keys(Path(self._curve.controllers))
        followers = _public_keys(Path(self._curve.followers)) if self._curve.followers else frozenset()
        self._allowed = {
            EVENTS: _public_keys(Path(self._curve.subscribers)),
            SATELLITES: _public_keys(Path(self._curve.satellites)) if self._curve.satellites else frozenset(),
            CONTROL: controllers | followers,
            CONTROLLERS: controllers,
            FOLLOWERS: followers,
        }
        self._names = _names(self._curve)

    def changed(self) -> bool:
        """Whether a key file came or went since they were read."""
        return self._look() != self._read_files

    def allows(self, domain: str, key: bytes) -> bool:
        """Whether this public key, in Z85, may use a socket at present."""
        try:
            return z85.decode(key) in self._allowed.get(domain, frozenset())
        except (ValueError, KeyError):
            return False

    def name_of(self, key: bytes) -> str:
        """What a public key, in Z85, is called: its file's name."""
        try:
            return self._names.get(z85.decode(key), key.decode(errors="replace"))
        except (ValueError, KeyError):
            return key.decode(errors="replace")

    def _look(self) -> list[list[tuple[str, int, int]]]:
        return [_stamps(folder) for folder in folders(self._curve)]

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
            log.warning(
                "%s: refused a client from %s: its key is not on the list", domain.decode(), address.decode()
            )
        verdict = (b"200", b"OK") if accepted else (b"400", b"this key is not on the list")
        user = z85.encode(credentials[0]) if accepted else b""  # tells the door whose connection it is
        self.socket.send_multipart([version, request_id, *verdict, user, b""])

    def close(self) -> None:
        """Stop answering."""
        self.socket.close()


def new_key_pair(directory: Path, name: str) -> tuple[Path, Path]:
    """Write NAME.key and NAME.key_secret (mode 0600); their paths."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a key: letters, digits, _, - and ., at most 64")
    directory.mkdir(parents=True, exist_ok=True)
    secret_file = directory / f"{name}.key_secret"
    if secret_file.exists():
        raise FileExistsError(f"{secret_file} exists: remove it first, if it is no longer in use")
    before = os.umask(0o077)  # nobody else reads it, not even for a moment
    try:
        public, secret = zmq.auth.create_certificates(directory, name)
    finally:
        os.umask(before)
    Path(public).chmod(0o644)
    return Path(public), Path(secret)


def _lists(curve: Curve) -> tuple[str, ...]:
    return (curve.subscribers, curve.controllers, curve.satellites, curve.followers)


def folders(curve: Curve) -> list[Path]:
    """Of public keys."""
    return [Path(each) for each in _lists(curve) if each]


def listed(curve: Curve) -> dict[str, list[Path]]:
    """The files of all keys that count, by name."""
    files: dict[str, list[Path]] = {}
    for directory in folders(curve):
        for file in sorted(directory.glob("*.key")):
            files.setdefault(file.stem, []).append(file)
    return files


def revoke(curve: Curve, name: str) -> list[Path]:
    """Take a key off all lists; its files are renamed, not deleted. FileNotFoundError if there is none."""
    known = listed(curve)
    if name not in known:
        raise FileNotFoundError(f"no key {name!r} is on a list; there are: {', '.join(known) or 'none'}")
    return [file.replace(file.with_name(file.name + REVOKED)) for file in known[name]]


def _stamps(directory: Path) -> list[tuple[str, int, int]]:
    """Names, times and sizes of its key files: one that is being written is read again when it is done."""
    found = []
    for file in sorted(directory.glob("*.key")):
        with suppress(OSError):
            status = file.stat()
            found.append((file.name, status.st_mtime_ns, status.st_size))
    return found


def _names(curve: Curve) -> dict[bytes, str]:
    """Of keys that can be read; the others are told of by `_public_keys`."""
    found = {}
    for name, files in listed(curve).items():
        for file in files:
            with suppress(OSError, ValueError, KeyError):
                public, _ = zmq.auth.load_certificate(file)
                found[z85.decode(public)] = name
    return found


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
