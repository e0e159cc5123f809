"""A signal is acted upon at once, wakes a poller once, and the old handlers come back."""

from __future__ import annotations

import os
import select
import signal

from earwitnessd.service.signals import signals


def readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


def test_a_signal_wakes_the_poller_until_it_is_drained() -> None:
    seen: list[int] = []
    with signals(seen.append) as woken:
        assert not readable(woken.fileno())
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        assert readable(woken.fileno())
        woken.drain()
        assert not readable(woken.fileno())
    assert set(seen) == {signal.SIGHUP}


def test_the_old_handlers_come_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    with signals(lambda _: None):
        assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]
    assert {number: signal.getsignal(number) for number in before} == before
