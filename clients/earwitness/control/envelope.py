"""How a request and its reply are wrapped: one JSON object each, a recording as an extra frame."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

CONTROL_SCHEMA = 1

Version = Annotated[int, msgspec.Meta(extra_json_schema={"const": CONTROL_SCHEMA})]

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

    v: Version = CONTROL_SCHEMA
    """version of the contract"""
    id: str = ""
    """given back in the reply"""
    method: str
    """what is asked"""
    params: msgspec.Raw = msgspec.Raw(b"{}")
    """as the method defines them; unknown ones are refused"""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no result."""

    code: ErrorCode
    """for programs"""
    message: str
    """for people: what was found, what was expected, what to do"""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of `result` and `error` is not null."""

    v: Version = CONTROL_SCHEMA
    """version of the contract"""
    id: str = ""
    """the request's"""
    result: msgspec.Raw = msgspec.Raw(b"null")
    """as the method defines it; null beside an error"""
    # msgspec cannot decode `Raw | None`, so this is the bytes `null`
    error: Problem | None = None
    """null beside a result"""


class ControlError(Exception):
    """The daemon answered with a problem."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
