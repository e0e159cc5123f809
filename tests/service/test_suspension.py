"""Sleep is what the boot clock counts and the monotonic clock does not."""

from __future__ import annotations

import time

import pytest

from earwitnessd.boot_clock import boot_clock
from earwitnessd.service.suspension import Suspension


class Clocks:
    """Both run; only one runs while the machine sleeps."""

    def __init__(self) -> None:
        self.boot_s, self.monotonic_s = 5000.0, 100.0

    def wake(self, for_s: float) -> None:
        self.boot_s += for_s
        self.monotonic_s += for_s

    def sleep(self, for_s: float) -> None:
        self.boot_s += for_s


def test_a_machine_that_is_awake_has_not_slept() -> None:
    clocks = Clocks()
    suspension = Suspension(lambda: clocks.boot_s, lambda: clocks.monotonic_s)
    clocks.wake(3600.0)
    assert suspension.slept_s() == 0.0
    assert suspension.total_s == 0.0


def test_each_sleep_is_told_once_and_all_are_added_up() -> None:
    clocks = Clocks()
    suspension = Suspension(lambda: clocks.boot_s, lambda: clocks.monotonic_s)
    for hours in (8, 1):
        clocks.wake(600.0)
        clocks.sleep(3600.0 * hours)
        assert suspension.slept_s() == 3600.0 * hours
        assert suspension.slept_s() == 0.0
    assert suspension.total_s == 9 * 3600.0


def test_a_moment_between_the_two_clocks_is_no_sleep_but_moments_add_up() -> None:
    clocks = Clocks()
    suspension = Suspension(lambda: clocks.boot_s, lambda: clocks.monotonic_s)
    clocks.sleep(0.6)
    assert suspension.slept_s() == 0.0
    clocks.sleep(0.6)
    assert suspension.slept_s() == pytest.approx(1.2)


def test_this_machine_is_awake() -> None:
    assert boot_clock() >= time.monotonic() - 1.0
    assert Suspension().slept_s() == 0.0
