"""How commands that go on and on are told to end."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from ..subscription import Subscription

INTERRUPTED = 130


class Ending:
    """Why it ended, as an exit status: 0 for SIGTERM, for a service is meant to end by it."""

    status = 0


@contextlib.contextmanager
def ended_by_signals(
    subscription: Subscription[Any], also: Callable[[], object] = lambda: None
) -> Iterator[Ending]:
    """SIGINT, SIGTERM and SIGHUP stop the subscription; the handlers are put back afterwards."""
    ending = Ending()

    def stop(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            ending.status = INTERRUPTED
        subscription.stop()
        also()

    with contextlib.ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            stack.callback(signal.signal, number, signal.signal(number, stop))
        yield ending
