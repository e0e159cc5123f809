"""Settings of what tells whether two people speak at once."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Overlap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second model listens to the same windows: off unless you name one."""

    model: str = ""
    # a model of frame-wise speaker activity, such as microsoft/wavlm-base-plus-sd; empty: nobody looks
    device: str = "auto"
    # it computes on: cpu, cuda, cuda:N, mps; "auto": as engine.device says
    least_probability: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.5
    # from which on a speaker counts as speaking in a frame
    max_share: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.1
    # of a window; one in which two people speak for longer is inconclusive
