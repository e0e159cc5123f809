"""What travels between the gate and a replica."""

from __future__ import annotations

from dataclasses import dataclass

from earwitnessd.engines import Vectors
from earwitnessd.engines.remote.wire import Identity, Int16


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """Windows of one length, (B, N)."""

    samples: Int16
    within_s: float
    # from its arrival at the replica on: nobody waits longer


@dataclass(frozen=True, eq=False, slots=True)
class Answered:
    """A row a window; None: there was no time left."""

    vectors: Vectors | None
    identity: Identity
    device: str
    # for people
