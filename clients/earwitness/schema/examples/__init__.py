"""One plausible value of every event, request and answer; the documents and the tests show them."""

from .control import CONTROL, reply, request
from .events import EVENTS
from .heartbeat import HEARTBEAT

__all__ = ["CONTROL", "EVENTS", "HEARTBEAT", "reply", "request"]
