"""Listen to earwitnessd, and ask it for things.

for event in earwitness.subscribe(topics=["speaker"]):
    match event:
        case earwitness.SpeakerVerified(stream=stream, speaker=speaker, score=score):
            print(f"{speaker} speaks at {stream}, cosine {score:.2f}")
        case earwitness.Missed(count=count):
            print(f"{count} events never arrived")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .control import Control, ControlError, NoDaemon
from .endpoints import Keys, default_endpoint
from .events import *  # noqa: F403 - every event is public
from .events import __all__ as _events
from .notices import Connected, Disconnected, Missed, Notice, Restarted, Skipped
from .subscription import Subscription, subscribe

if TYPE_CHECKING:
    from .subscription.aio import AsyncSubscription, asubscribe

    __version__: str

__all__ = [  # noqa: PLE0604 - strings, all of them
    *_events,
    "AsyncSubscription",
    "Connected",
    "Control",
    "ControlError",
    "Disconnected",
    "Keys",
    "Missed",
    "NoDaemon",
    "Notice",
    "Restarted",
    "Skipped",
    "Subscription",
    "asubscribe",
    "default_endpoint",
    "subscribe",
]


def __getattr__(name: str) -> object:
    """Import asyncio, and look up the version, only for those who ask."""
    if name in ("asubscribe", "AsyncSubscription"):
        from .subscription import aio  # noqa: PLC0415

        return getattr(aio, name)
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("earwitness")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
