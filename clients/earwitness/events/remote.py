"""How an engine on other machines is doing, for the heartbeat."""

from __future__ import annotations

import msgspec

from .units import Milliseconds


class RemoteState(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of this boot. Each window that was to be embedded is in one of the first three."""

    windows: int = 0
    """embedded by the remote engines"""
    windows_local: int = 0
    """embedded by this machine in their place"""
    windows_dropped: int = 0
    """embedded by nobody: there was no time; each is a `window.scored` that says `not_embedded`"""
    failures: int = 0
    """batches that did not wholly come back"""
    last_failure: str = ""
    """why the last of them did not, for people; empty: all came back"""
    requests: int = 0
    """sent; a batch is one or more of them"""
    requests_failed: int = 0
    """answered, but with nothing that may be used"""
    requests_late: int = 0
    """not answered before their deadline, or before the connection broke"""
    round_trip_ms: Milliseconds = 0.0
    """of the last answer"""
