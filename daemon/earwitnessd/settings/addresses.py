"""Addresses to listen at, and which of them only this machine can reach."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Nobody beyond this machine gets there."""
        return ipaddress.ip_address(self.host).is_loopback


def parse_address(text: str) -> Address:
    """From `127.0.0.1:9464`, `[::1]:9464` or `localhost:9464`; ValueError for anything else."""
    host, colon, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{text!r} is not ADDRESS:PORT")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in bare and bare == host:
        raise ValueError(f"{text!r}: an IPv6 address stands in brackets")
    return Address(str(ipaddress.ip_address(bare)), int(port))
