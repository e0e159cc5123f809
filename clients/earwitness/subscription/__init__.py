"""Listening to the daemon: `subscribe`, and the pure parts that number and filter what arrives."""

from .gaps import GapTracker, Sighting
from .link import Link
from .socket import Counts, Message
from .sync import Subscription, subscribe, subscribe_messages
from .topics import TopicFilter

__all__ = [
    "Counts",
    "GapTracker",
    "Link",
    "Message",
    "Sighting",
    "Subscription",
    "TopicFilter",
    "subscribe",
    "subscribe_messages",
]
