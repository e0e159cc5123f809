"""Looks at everything a satellite with these settings would need: keys, microphone, daemon."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import zmq

from earwitnessd.access.sockets import SocketError, check_private
from earwitnessd.capture.probe import Probe
from earwitnessd.satellite import link
from earwitnessd.satellite.finding import Finding
from earwitnessd.satellite.keys import LinkKeys, secret_file
from earwitnessd.satellite.settings import SatelliteSettings
from earwitnessd.version import VERSION

SOURCE_WITHIN_S = 20.0
DAEMON_WITHIN_S = 5.0
SAYS = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "it does not know this machine's key: lay the public half into its "
    "sockets.curve.satellites",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "it has another key than daemon_key says, or is no daemon of ours",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "it broke off: it may be no daemon of ours",
    zmq.EVENT_CLOSED: "nobody listens there",
    zmq.EVENT_CONNECT_RETRIED: "nobody listens there",
}


def examine(settings: SatelliteSettings) -> Iterator[Finding]:
    """In the order in which they are needed."""
    keys = None
    try:
        file = secret_file(settings.key)
        keys = LinkKeys.load(file, Path(settings.daemon_key))
        check_private(file, "key")
        yield Finding("keys", True, f"this machine's public key is {keys.public.decode()}")
    except (OSError, ValueError, SocketError) as error:
        yield Finding("keys", False, str(error))
    yield _source(settings)
    if keys is not None:
        yield _daemon(settings, keys)


def _source(settings: SatelliteSettings) -> Finding:
    text = msgspec.json.encode(settings.source).decode()
    command = [sys.executable, "-P", "-m", "earwitnessd.capture", "--probe", text]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SOURCE_WITHIN_S, check=False)
        found = msgspec.json.decode(done.stdout, type=Probe)
    except subprocess.TimeoutExpired:
        return Finding("source", False, f"it did not open within {SOURCE_WITHIN_S:.0f} s")
    except msgspec.DecodeError:
        return Finding("source", False, done.stderr.strip() or "it could not be tried")
    if found.error:
        return Finding("source", False, found.error)
    level = "silence" if found.level_dbfs is None else f"{found.level_dbfs:.0f} dBFS"
    heard = f"{found.device}, {found.rate} Hz x {found.channels}: heard {found.heard_s:.1f} s, {level}"
    return Finding("source", True, heard)


def _daemon(settings: SatelliteSettings, keys: LinkKeys) -> Finding:
    """Say hello, without being heard."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.set(zmq.IPV6, 1)
        keys.secure(socket)
        failures = 0
        for event in SAYS:
            failures |= event
        monitor = socket.get_monitor_socket(failures)
        try:
            return _ask(settings.daemon, socket, monitor)
        except zmq.ZMQError as error:
            return Finding("daemon", False, f"{settings.daemon}: {error.strerror}")
        finally:
            socket.disable_monitor()


def _ask(endpoint: str, socket: zmq.Socket[bytes], monitor: zmq.Socket[bytes]) -> Finding:
    from zmq.utils.monitor import recv_monitor_message  # noqa: PLC0415  # it loads asyncio

    began_s = time.monotonic()
    socket.connect(endpoint)
    hello = link.Hello(protocol=link.PROTOCOL, run="", machine=platform.node(), version=VERSION, trying=True)
    socket.send(link.encode(hello))
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    poller.register(monitor, zmq.POLLIN)
    ready = dict(poller.poll(int(DAEMON_WITHIN_S * 1000)))
    if socket in ready:
        word = link.from_daemon(socket.recv())
        took_ms = (time.monotonic() - began_s) * 1000
        if isinstance(word, link.Welcome):
            return Finding(
                "daemon", True, f"{endpoint} hears this as stream {word.stream} ({took_ms:.0f} ms)"
            )
        reason = word.reason if isinstance(word, link.Refused) else "it says something else than hello"
        return Finding("daemon", False, f"{endpoint}: {reason}")
    if monitor in ready:
        event = recv_monitor_message(monitor)["event"]
        return Finding("daemon", False, f"{endpoint}: {SAYS[zmq.Event(event)]}")
    return Finding("daemon", False, f"{endpoint}: no answer within {DAEMON_WITHIN_S:.0f} s")
