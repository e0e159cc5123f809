"""From the settings to where remote engines are, with the keys that open their gate."""

from __future__ import annotations

from pathlib import Path

import zmq.auth

from earwitnessd.access.sockets import SocketError, check_private
from earwitnessd.engines.remote.link import Curve, Place
from earwitnessd.settings.remote import Remote
from earwitnessd.settings.validate import SettingsError


def place_of(remote: Remote) -> Place:
    """`SettingsError` if a key cannot be used."""
    return Place(remote.addresses, _curve(remote), remote.windows_a_request, remote.requests_in_flight)


def _curve(remote: Remote) -> Curve | None:
    if remote.secret_key_file is None or remote.server_key is None:
        return None
    own = Path(remote.secret_key_file).expanduser()
    try:
        check_private(own)
    except SocketError as error:
        raise SettingsError(str(error).replace("sockets.curve.", "engine.remote.")) from None
    public, secret = _certificate("secret_key_file", own)
    if secret is None:
        raise SettingsError(
            f"engine.remote.secret_key_file = {str(own)!r}: holds no secret key; "
            "name the file that ends in .key_secret"
        )
    server, _ = _certificate("server_key", Path(remote.server_key).expanduser())
    return Curve(public, secret, server)


def _certificate(key: str, file: Path) -> tuple[bytes, bytes | None]:
    try:
        return zmq.auth.load_certificate(file)
    except (OSError, ValueError) as error:
        raise SettingsError(f"engine.remote.{key} = {str(file)!r}: {error}") from None
