"""Settings of engines on other machines."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class Remote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `engine.remote`: `earwitnessd serve-embeddings` runs at those addresses."""

    addresses: tuple[str, ...]
    # tcp://HOST:PORT or ipc://PATH; several share the work
    secret_key_file: str | None = None
    # this daemon's own (.key_secret); its public key is among the gate's clients
    server_key: str | None = None
    # the gate's public key (.key)
    insecure: bool = False
    # true: tcp without keys; audio crosses the network for everybody to hear
    deadline_s: Annotated[float, msgspec.Meta(ge=0.02, le=30.0)] = 1.0
    # for a batch of live windows: what is not embedded by then, there or here, is dropped and told
    failures: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    # in a row, and the remote engines are given up until they are seen to work again
    fallback: Literal["local", "none"] = "local"
    # who embeds meanwhile; "none": nobody, and this machine needs neither torch nor its memory
    windows_a_request: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    requests_in_flight: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    # at once; further ones wait here

    def __post_init__(self) -> None:
        if not self.addresses:
            raise ValueError("addresses = []: name at least one, such as tcp://10.0.0.7:7803")
        for address in self.addresses:
            if not address.startswith(("tcp://", "ipc://")) or not address[6:]:
                raise ValueError(f"addresses: {address!r} must be tcp://HOST:PORT or ipc://PATH")
        if (self.secret_key_file is None) != (self.server_key is None):
            raise ValueError("secret_key_file and server_key go together: this daemon's key, and the gate's")
        if self.secret_key_file is None and not self.insecure and self.over_tcp:
            raise ValueError(
                "tcp needs secret_key_file and server_key (`earwitnessd keys new` makes keys), or "
                "`insecure: true` if everybody on the network may hear the audio"
            )

    @property
    def where(self) -> str:
        """For people."""
        return " and ".join(self.addresses)

    @property
    def over_tcp(self) -> bool:
        """Whether it needs a network."""
        return any(address.startswith("tcp://") for address in self.addresses)
