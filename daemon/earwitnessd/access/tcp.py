"""Listens on tcp in libzmq's place, which asks for the machine's interfaces and aborts if it may not."""

from __future__ import annotations

import ipaddress
import socket as sockets

import zmq

from earwitnessd.settings.addresses import Address, parse_address

BACKLOG = 100  # connections that wait to be taken, as libzmq has it
ANY = "0.0.0.0"  # noqa: S104 - what `*` means to libzmq


def listen(socket: zmq.Socket[bytes], endpoint: str) -> None:
    """Give it a listening socket to take over when it binds; OSError if the address cannot be had.

    What is no address (an interface's name, a port of the system's choice) is left to libzmq.
    """
    address = address_of(endpoint)
    if address is None:
        return
    family = sockets.AF_INET6 if ipaddress.ip_address(address.host).version == 6 else sockets.AF_INET
    with sockets.socket(family, sockets.SOCK_STREAM) as listening:
        listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((address.host, address.port))
        listening.listen(BACKLOG)
        socket.set(zmq.USE_FD, listening.detach())


def address_of(endpoint: str) -> Address | None:
    """Where to listen; None: libzmq has to find out."""
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    try:
        return parse_address(f"{ANY if host == '*' else host}:{port}")
    except ValueError:
        return None
