"""HMAC-SHA256 over time and body, for the sender and the receiver."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Earwitness-Signature"
TOLERANCE_S = 300.0


def sign(secret: bytes, body: bytes, timestamp: int) -> str:
    """The header's value: `t=UNIXTIME,v1=HEX`, the HMAC of `UNIXTIME.BODY`."""
    return f"t={timestamp},v1={_digest(secret, body, str(timestamp))}"


def verify(secret: bytes, body: bytes, header: str, now: float, *, tolerance_s: float = TOLERANCE_S) -> bool:
    """Whether who knows the secret signed this body, and lately."""
    fields = dict(part.partition("=")[::2] for part in header.split(","))
    timestamp, digest = fields.get("t", ""), fields.get("v1", "")
    if not (timestamp.isascii() and timestamp.isdigit() and digest.isascii()):
        return False
    return hmac.compare_digest(digest, _digest(secret, body, timestamp)) and (
        abs(now - int(timestamp)) <= tolerance_s
    )


def _digest(secret: bytes, body: bytes, timestamp: str) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
