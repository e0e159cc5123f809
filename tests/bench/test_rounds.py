"""Engines take turns, so that a machine that grows slower is unfair to none."""

from __future__ import annotations

from statistics import median

from earwitnessd.bench.rounds import LEAST_ROUNDS, MOST_ROUNDS, WARM_UP_ROUNDS, alternate


class Slowing:
    """A clock on a machine on which everything takes longer and longer."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.calls: list[str] = []

    def work(self, name: str, seconds: float) -> None:
        self.calls.append(name)
        self.now_s += seconds * (1.0 + self.now_s / 10)


def test_two_ways_that_are_alike_look_alike_on_a_machine_that_grows_slower() -> None:
    clock = Slowing()
    one, other = alternate(
        [lambda: clock.work("a", 0.1), lambda: clock.work("b", 0.1)], 20.0, lambda: clock.now_s
    )
    assert 0.95 < median(one) / median(other) < 1.05
    assert clock.now_s >= 20.0


def test_each_round_has_every_way_once_and_begins_with_another() -> None:
    clock = Slowing()
    took = alternate([lambda: clock.work("a", 0.1), lambda: clock.work("b", 0.1)], 0.0, lambda: clock.now_s)
    calls = clock.calls[2 * WARM_UP_ROUNDS :]
    assert [len(seconds) for seconds in took] == [LEAST_ROUNDS] * 2
    rounds = ["".join(calls[at : at + 2]) for at in range(0, len(calls), 2)]
    assert rounds[:4] == ["ab", "ba", "ab", "ba"]


def test_the_first_rounds_do_not_count_and_there_are_not_too_many() -> None:
    seconds = iter([9.0] * WARM_UP_ROUNDS + [0.001] * MOST_ROUNDS)
    clock = Slowing()
    (took,) = alternate([lambda: clock.work("a", next(seconds))], 1000.0, lambda: clock.now_s)
    assert len(took) == MOST_ROUNDS
    assert max(took) < 0.1
