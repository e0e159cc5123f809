"""How one enrolment session was recorded, as it lies in the database beside its template."""

from __future__ import annotations

import msgspec

from earwitnessd.channel import Channel


class Circumstances(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Sessions of an older earwitness have none of it; a newer one may have stored more."""

    channel: Channel = ""
    # "wideband" or "telephone" by the spectrum of the speech; empty: not known
    device: str = ""
    # what the source called itself when it was opened
    native_rate: int | None = None
    # Hz, before resampling
    clipped: float | None = None
    # of the samples, 0 to 1
    self_llr: float | None = None
    # nats: the median window against all others that share no audio with it
    warnings: tuple[str, ...] = ()
    # what was said when it was enrolled


NOT_KNOWN = Circumstances()


def stored(text: str) -> Circumstances:
    """From the database."""
    return msgspec.json.decode(text, type=Circumstances)


def to_store(circumstances: Circumstances) -> str:
    """For the database."""
    return msgspec.json.encode(circumstances).decode()
