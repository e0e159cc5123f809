"""What stands on the transformer, one module a family: from its frames to an embedding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from earwitnessd.engines.architecture import Architecture
from earwitnessd.engines.heads import ecapa, frames, mean, rawnet, xvector
from earwitnessd.engines.heads.parts import Head
from earwitnessd.engines.heads.shapes import Named
from earwitnessd.models.families import Family

__all__ = ["HEADS", "HeadKind"]


def _none(_architecture: Architecture) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class HeadKind:
    """How a family's head is made."""

    build: Callable[[Architecture, Mapping[str, Tensor]], Head]
    shapes: Callable[[Architecture], Named]
    lost_frames: Callable[[Architecture], int] = _none
    # that its layers take away at a window's edges


HEADS: dict[Family, HeadKind] = {
    Family.XVECTOR: HeadKind(xvector.XVectorHead, xvector.shapes, xvector.lost_frames),
    Family.ECAPA: HeadKind(ecapa.EcapaHead, ecapa.shapes),
    Family.RAWNET: HeadKind(rawnet.RawNetHead, rawnet.shapes),
    Family.BACKBONE: HeadKind(mean.MeanHead, mean.shapes),
    Family.FRAMES: HeadKind(frames.FramesHead, frames.shapes),
}
