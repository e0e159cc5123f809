"""What one machine was measured to take for a batch, a window and a stream, as a file for other machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from earwitnessd.bench.machine import Machine

Positive = Annotated[float, msgspec.Meta(gt=0.0)]
AtLeastZero = Annotated[float, msgspec.Meta(ge=0.0)]


class SizingError(Exception):
    """Nothing can be planned from this; the message says why, and what to do."""


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the model takes for so many windows at once."""

    windows: Annotated[int, msgspec.Meta(ge=1)]
    ms: Positive


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a plan is made from."""

    machine: Machine
    model: str
    device: str
    window_s: Positive
    batches: Annotated[list[Batch], msgspec.Meta(min_length=1)]
    # by number of windows
    spread: list[Positive] = msgspec.field(default_factory=lambda: [1.0])
    # how long single batches took, as multiples of those: each as likely as the others
    hop_ms: AtLeastZero
    # processor time of the daemon without its model, a hop of a stream
    capture_ms: AtLeastZero
    # of a capture process, a hop
    measured_hop_s: Positive
    # both were measured with this
    daemon_mb: AtLeastZero
    # resident, with the model, without streams
    stream_mb: AtLeastZero
    # more, a stream
    capture_mb: AtLeastZero
    # of a capture process

    @property
    def windows_per_s(self) -> float:
        """The most, in batches of the size that suits it best."""
        return max(1000.0 * batch.windows / batch.ms for batch in self.batches)


def save(figures: Figures, path: Path) -> None:
    """As JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")


def load(path: Path) -> Figures:
    """What `save` wrote."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Figures)
    except OSError as error:
        raise SizingError(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise SizingError(
            f"{path}: {error}; expected a file that `earwitnessd plan --save FILE` wrote"
        ) from error
