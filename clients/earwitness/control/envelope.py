"""How a request and its reply are wrapped: one JSON object each, a recording as an extra frame."""

from __future__ import annotations

from typing import Literal

import msgspec

CONTROL_SCHEMA = 1

ErrorCode = Literal[
    "bad_request",  # not JSON, or not of the method's form
    "unknown_method",
    "unsupported_version",
    "not_found",
    "conflict",  # the name is taken, an enrolment is already running
    "refused",  # understood, but the audio or the state does not allow it
    "unavailable",  # the engine does not answer
    "internal",
]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Frame 1. `params` has the form that the method asks for."""

    v: int = CONTROL_SCHEMA
    id: str = ""
    # given back in the reply
    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no result."""

    code: ErrorCode
    message: str


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of `result` and `error` is not null."""

    v: int = CONTROL_SCHEMA
    id: str = ""
    result: msgspec.Raw = msgspec.Raw(b"null")
    # of the method's form; msgspec cannot decode `Raw | None`, so this is the bytes `null` beside an error
    error: Problem | None = None


class ControlError(Exception):
    """The daemon answered with a problem."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
