"""Bursts are allowed, floods are not, and whoever floods again waits longer."""

from __future__ import annotations

import pytest

from earwitnessd.satellite.allowance import Allowance
from earwitnessd.satellite.conduct import FIRST_BAN_S, FORGIVEN_AFTER_S, LONGEST_BAN_S, Conduct, FloodError
from earwitnessd.satellite.link import CATCH_UP

BLOCK_BYTES = 8000  # a quarter of a second of int16


def send(conduct: Conduct, messages: int, size: int, per_s: float) -> None:
    for number in range(messages):
        conduct.count(size, number / per_s)


def test_what_is_not_taken_comes_back_with_time_but_never_more_than_a_burst() -> None:
    allowance = Allowance(2.0, 10.0)
    assert allowance.take(10.0, 0.0)
    assert not allowance.take(1.0, 0.0)
    assert allowance.due_in_s(4.0, 0.0) == pytest.approx(2.0)
    assert allowance.take(4.0, 2.0)
    assert allowance.left(1000.0) == 10.0


def test_a_satellite_that_catches_up_after_ten_minutes_is_no_flood() -> None:
    send(Conduct(), 600 * 4, BLOCK_BYTES, per_s=4 * CATCH_UP)


def test_a_flood_of_messages_and_one_of_audio_are_noticed() -> None:
    with pytest.raises(FloodError, match="messages a second"):
        send(Conduct(), 5000, 0, per_s=1000)
    with pytest.raises(FloodError, match="fast"):
        send(Conduct(), 100, 256_000, per_s=50)


def test_each_time_it_waits_longer_until_it_has_behaved_for_a_while() -> None:
    conduct, now_s = Conduct(), 100.0
    bans = []
    for _ in range(8):
        bans.append(conduct.ban(now_s))
        assert conduct.banned_s(now_s) == bans[-1]
        now_s += bans[-1]
        assert not conduct.banned_s(now_s)
    assert bans[:3] == [FIRST_BAN_S, 2 * FIRST_BAN_S, 4 * FIRST_BAN_S]
    assert bans[-1] == LONGEST_BAN_S
    assert conduct.ban(now_s + FORGIVEN_AFTER_S + 1) == FIRST_BAN_S
    assert conduct.cuts == 9
