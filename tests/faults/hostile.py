"""Control messages that nobody should send: from random bytes to whole requests with one thing wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

METHODS = (
    "status",
    "profiles.list",
    "profiles.show",
    "profiles.delete",
    "profiles.rename",
    "enroll.live",
    "enroll.cancel",
    "enroll.audio",
    "stream.pause",
    "stream.resume",
    "events.since",
    "no.such.method",
    "",
    "__class__",
    "../../etc/passwd",
)
VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    10**30,
    1e308,
    "",
    "\0",
    "x" * 10_000,
    "anna'; DROP TABLE person; --",
    "../../../etc/shadow",
    "\ud83d\ude00" * 50,
    "ÄÖ\u202e\u0000",
    [],
    [[[[]]]],
    {},
    {"a": {"b": {"c": {}}}},
    ["x"] * 500,
)
KEYS = (
    "name",
    "new_name",
    "stream",
    "speech_s",
    "timeout_s",
    "enrolment",
    "boot",
    "seq",
    "topics",
    "",
    "params",
)


def message(random: Random) -> list[bytes]:
    """Frames of one; REQ's empty frame comes before a part of them."""
    frames = random.choice(KINDS)(random)
    return [b"", *frames] if random.random() < 0.5 else frames


def _noise(random: Random) -> list[bytes]:
    return [random.randbytes(random.randrange(0, 300)) for _ in range(random.randrange(1, 6))]


def _wrong_values(random: Random) -> list[bytes]:
    params = {random.choice(KEYS): random.choice(VALUES) for _ in range(random.randrange(0, 4))}
    return [_request(random.choice(METHODS), params)]


def _wrong_envelope(random: Random) -> list[bytes]:
    whole: dict[str, object] = {"v": 1, "id": "x", "method": "status", "params": {}}
    whole[random.choice([*whole, "more"])] = random.choice(VALUES)
    return [json.dumps(whole).encode("utf-8", "surrogatepass")]


def _deep(random: Random) -> list[bytes]:
    depth = random.choice((50, 5_000, 200_000))
    opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
    inner = opening * depth + b"1" + closing * (depth if random.random() < 0.5 else 0)
    return [b'{"v":1,"id":"x","method":"profiles.show","params":' + inner + b"}"]


def _cut_off(random: Random) -> list[bytes]:
    whole = _request("enroll.audio", {"name": "mallory"})
    return [whole[: random.randrange(len(whole))]]


def _broken(random: Random) -> list[bytes]:
    whole = bytearray(_request("profiles.rename", {"name": "anna", "new_name": "eve"}))
    for _ in range(3):
        whole[random.randrange(len(whole))] = random.randrange(256)
    return [bytes(whole)]


def _huge(random: Random) -> list[bytes]:
    return [b'{"v":1,"id":"x","method":"' + b"A" * random.choice((1 << 12, 1 << 20)) + b'"}']


def _bad_recording(random: Random) -> list[bytes]:
    heads = (b"", b"RIFF", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC", b"OggS", b"ID3")
    return [_request("enroll.audio", {"name": "mallory"}), random.choice(heads) + random.randbytes(2000)]


def _too_many_frames(random: Random) -> list[bytes]:
    return [_request("status", {}), *[random.randbytes(8)] * random.randrange(2, 40)]


def _request(method: str, params: object) -> bytes:
    return json.dumps({"v": 1, "id": "x", "method": method, "params": params}).encode(
        "utf-8", "surrogatepass"
    )


KINDS: tuple[Callable[[Random], list[bytes]], ...] = (
    _noise,
    _wrong_values,
    _wrong_values,
    _wrong_envelope,
    _deep,
    _cut_off,
    _broken,
    _huge,
    _bad_recording,
    _too_many_frames,
)
