"""What a daemon and a gate to remote engines say: a header of MessagePack, then plain numbers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from earwitnessd.engines import Vectors, Windows

VERSION = 1
FULL_SCALE = 32_768.0
# of 16-bit samples: those of a 16-bit source are exact multiples of its inverse
LARGEST_MESSAGE = 64 * 20 * 16_000 * 2 + 4096
# bytes: so many windows of the longest kind, and their header

Int16 = npt.NDArray[np.int16]
Status = Literal["done", "late", "busy", "wrong_model", "failed"]
# late: there was no time left; busy: too many wait already; failed: the message says why


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which model computes: embeddings of one identity may be compared."""

    model_id: str
    weights: str
    # SHA-256 of the file

    def __str__(self) -> str:
        return f"{self.model_id} (weights {self.weights[:12]})"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Windows follow as the next frame: little-endian 16-bit samples, one window after the other."""

    v: int = VERSION
    id: int
    windows: Annotated[int, msgspec.Meta(ge=1, le=64)]
    samples: Annotated[int, msgspec.Meta(ge=1, le=20 * 16_000)]
    # of each
    within_ms: Annotated[int, msgspec.Meta(ge=1, le=600_000)]
    # nobody waits longer for the answer
    expects: Identity | None = None
    # null: whichever it is


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Vectors follow as the next frame, if it is done: little-endian float32, a row a window."""

    v: int = VERSION
    id: int
    status: Status
    identity: Identity | None = None
    device: str = ""
    # for people
    dimensions: int = 0
    computing_ms: float = 0.0
    # from taking the request to its answer, without the network
    says: str = ""
    # why it is not done, for people


class WireError(ValueError):
    """A message that is none; the text says what was found and what was expected."""


_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(Request)
_replies = msgspec.msgpack.Decoder(Reply)


def to_int16(windows: Windows) -> Int16:
    """The nearest 16-bit samples: exactly those of a source that had such; what is not a number is 0."""
    scaled = np.nan_to_num(windows * np.float32(FULL_SCALE), nan=0.0)
    samples: Int16 = np.clip(np.rint(scaled), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    return samples


def from_int16(samples: Int16) -> Windows:
    """As every engine wants them; exact."""
    windows: Windows = samples.astype(np.float32) / np.float32(FULL_SCALE)
    return windows


def pack_request(request: Request, samples: Int16) -> list[bytes]:
    """Frames for one multipart send."""
    return [_encoder.encode(request), np.ascontiguousarray(samples, dtype="<i2").tobytes()]


def unpack_request(frames: list[bytes]) -> tuple[Request, Int16]:
    """Undo `pack_request`; `WireError` for anything else."""
    if len(frames) != 2:
        raise WireError(f"{len(frames)} frames: expected a header and samples")
    try:
        request = _requests.decode(frames[0])
    except msgspec.DecodeError as error:
        raise WireError(f"the header makes no sense: {error}") from None
    if request.v != VERSION:
        raise WireError(
            f"version {request.v} of the protocol: this side speaks {VERSION}; update one of them"
        )
    expected = request.windows * request.samples * 2
    if len(frames[1]) != expected:
        raise WireError(f"{len(frames[1])} bytes of samples: the header promises {expected}")
    return request, np.frombuffer(frames[1], dtype="<i2").reshape(request.windows, request.samples)


def pack_reply(reply: Reply, vectors: Vectors | None = None) -> list[bytes]:
    """Frames for one multipart send."""
    numbers = b"" if vectors is None else np.ascontiguousarray(vectors, dtype="<f4").tobytes()
    return [_encoder.encode(reply), numbers]


def unpack_reply(frames: list[bytes]) -> tuple[Reply, Vectors | None]:
    """Undo `pack_reply`; `WireError` for anything else."""
    if len(frames) != 2:
        raise WireError(f"{len(frames)} frames: expected a header and vectors")
    try:
        reply = _replies.decode(frames[0])
    except msgspec.DecodeError as error:
        raise WireError(f"the header makes no sense: {error}") from None
    if reply.v != VERSION:
        raise WireError(f"version {reply.v} of the protocol: this side speaks {VERSION}; update one of them")
    if reply.status != "done":
        return reply, None
    row_bytes = 4 * reply.dimensions
    if row_bytes <= 0 or len(frames[1]) % row_bytes:
        raise WireError(f"{len(frames[1])} bytes of vectors: expected rows of {row_bytes}")
    return reply, np.frombuffer(frames[1], dtype="<f4").reshape(-1, reply.dimensions)
