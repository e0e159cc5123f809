"""Listening to the daemon: `subscribe`, and the pure parts that number and filter what arrives."""

from .gaps import GapTracker, Sighting
from .link import Link
from .refill import Message, Refill
from .socket import Counts
from .sync import Subscription, subscribe, subscribe_messages
from .topics import TopicFilter

__all__ = [
    "Counts",
    "GapTracker",
    "Link",
    "Message",
    "Refill",
    "Sighting",
    "Subscription",
    "TopicFilter",
    "subscribe",
    "subscribe_messages",
]
