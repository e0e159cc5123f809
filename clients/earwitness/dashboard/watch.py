"""Show the dashboard in a terminal, until q or Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ..events import AnyEvent
from ..notices import Notice
from ..subscription import Subscription
from .browsing import Browsing
from .keys import keys_of
from .state import DashboardState
from .view import draw

FRAME_S = 0.125  # at most 8 pictures a second
TICK_S = 1.0  # times to live and the uptime go on without events


def watch(subscription: Subscription[AnyEvent | Notice], console: Console) -> None:
    """Draw until the user or `subscription.stop()` ends it; handles signals, so only in the main thread."""
    state, browsing = DashboardState(subscription.endpoint), Browsing()
    with (
        _terminal(subscription) as keyboard,
        Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False) as live,
    ):
        drawn_at, dirty = 0.0, True
        while True:
            now = time.monotonic()
            due = drawn_at + (FRAME_S if dirty else TICK_S)
            if now >= due:
                live.update(_picture(state, now, console, browsing), refresh=True)
                drawn_at, dirty = now, False
                continue
            item = subscription.receive(due - now)
            if item is not None:
                state.on_event(item, time.monotonic())
                dirty = True
            elif subscription.stopped or any(map(browsing.press, _pressed(keyboard))):
                return
            else:
                drawn_at, dirty = 0.0, True  # woken: the terminal has another size, or somebody pressed a key


def _picture(state: DashboardState, now: float, console: Console, browsing: Browsing) -> Text:
    width, height = console.size
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    wall_offset_s = time.time() - time.monotonic()
    return draw(state, now, width, height, wall_offset_s=wall_offset_s, zone=zone, browsing=browsing)


@contextlib.contextmanager
def _terminal(subscription: Subscription[AnyEvent | Notice]) -> Iterator[int | None]:
    """Keys without Return, resizes at once, SIGTERM as a way to quit; all put back afterwards."""
    with contextlib.ExitStack() as stack:
        handlers = {
            signal.SIGWINCH: lambda *_: subscription.wake(),
            signal.SIGTERM: lambda *_: subscription.stop(),
            signal.SIGINT: lambda *_: subscription.stop(),
        }
        for number, handler in handlers.items():
            stack.callback(signal.signal, number, signal.signal(number, handler))
        keyboard = None
        if sys.stdin.isatty():
            keyboard = sys.stdin.fileno()
            before = termios.tcgetattr(keyboard)
            stack.callback(termios.tcsetattr, keyboard, termios.TCSADRAIN, before)
            tty.setcbreak(keyboard)
            subscription.also_wake_on(keyboard)
        yield keyboard


def _pressed(keyboard: int | None) -> list[str]:
    if keyboard is None:
        return []
    ready, _, _ = select.select([keyboard], [], [], 0)
    if not ready:
        return []
    sent = os.read(keyboard, 64)
    return list(keys_of(sent)) if sent else ["quit"]  # nobody is there any more
