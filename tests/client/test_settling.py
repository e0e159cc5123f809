"""Which changes `earwitness on` acts upon."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from earwitness.reacting import Change, Moment, Settling, Waiting, Wish
from earwitness.verdicts import Decision, Verdict, Verdicts

from .events import lost, unknown, verified

DEBOUNCE_S = 2.0
_numbers = itertools.count(1)


def tell(
    settling: Settling, verdicts: Verdicts, event: Decision, now: float, *, replayed: bool = False
) -> None:
    event = msgspec.structs.replace(
        event, boot="b", seq=next(_numbers), replayed=replayed, time="2999-01-01T00:00:00Z"
    )
    turn = verdicts.on_item(event, now, 0.0)
    if turn is not None:
        settling.on_turn(turn, now)


def names(changes: list[Change]) -> list[str]:
    return [change.verdict.speaker or change.verdict.kind for change in changes]


def test_a_change_counts_once_it_has_held() -> None:
    settling, verdicts = Settling(DEBOUNCE_S), Verdicts()
    tell(settling, verdicts, verified("anna"), 0.0)
    assert settling.due(1.9) == []
    assert settling.next_due() == 2.0
    assert names(settling.due(2.0)) == ["anna"]
    assert settling.next_due() is None


def test_what_flickers_back_is_no_change() -> None:
    settling, verdicts = Settling(DEBOUNCE_S), Verdicts()
    tell(settling, verdicts, verified("anna"), 0.0)
    settling.due(2.0)
    tell(settling, verdicts, lost("anna"), 3.0)
    tell(settling, verdicts, verified("anna"), 3.5)
    assert settling.due(99.0) == []


def test_what_was_too_short_is_counted() -> None:
    settling, verdicts = Settling(DEBOUNCE_S), Verdicts()
    events: list[Decision] = [verified("anna"), unknown(), verified("bert")]
    for now, event in enumerate(events):
        tell(settling, verdicts, event, float(now))
    (change,) = settling.due(4.0)
    assert change.verdict.speaker == "bert"
    assert change.passed_over == 2


@pytest.mark.parametrize(("initial", "expected"), [(False, []), (True, ["anna"])])
def test_what_is_found_counts_only_if_asked_for(initial: bool, expected: list[str]) -> None:
    settling, verdicts = Settling(0.0, initial=initial), Verdicts()
    tell(settling, verdicts, verified("anna"), 0.0, replayed=True)
    assert names(settling.due(0.0)) == expected
    tell(settling, verdicts, lost("anna"), 1.0)
    assert names(settling.due(1.0)) == ["nobody"]


def test_silence_at_the_beginning_is_no_change() -> None:
    settling, verdicts = Settling(0.0), Verdicts()
    tell(settling, verdicts, lost(None), 0.0)
    assert settling.due(0.0) == []


def test_streams_settle_apart() -> None:
    settling, verdicts = Settling(DEBOUNCE_S), Verdicts()
    tell(settling, verdicts, verified("anna"), 0.0)
    tell(settling, verdicts, verified("bert", stream="kitchen"), 1.0)
    assert names(settling.due(2.0)) == ["anna"]
    assert names(settling.due(3.0)) == ["bert"]


def test_the_latest_change_of_a_stream_waits_and_the_others_are_counted() -> None:
    waiting = Waiting()
    anna, bert, nobody = verdict(verified("anna")), verdict(verified("bert")), verdict(lost("bert"))
    waiting.put(Change(before=None, verdict=anna))
    waiting.put(Change(before=None, verdict=verdict(verified("cora", stream="kitchen"))))
    waiting.put(Change(before=anna, verdict=bert, passed_over=3))
    waiting.put(Change(before=bert, verdict=nobody))
    taken = waiting.take()
    assert (taken.verdict.kind, taken.before, taken.passed_over) == ("nobody", None, 5)
    assert waiting.take().verdict.speaker == "cora"
    assert not waiting


ANNA, BERT, UNKNOWN, NOBODY = "anna", "bert", "?", "-"


def verdict(event: Decision) -> Verdict:
    turn = Verdicts().on_item(event, 0.0, 0.0)
    assert turn is not None
    return turn.verdict


def change(before: str, now: str) -> Change:
    events: dict[str, Decision] = {
        ANNA: verified("anna"),
        BERT: verified("bert"),
        UNKNOWN: unknown(),
        NOBODY: lost(None),
    }
    return Change(before=verdict(events[before]), verdict=verdict(events[now]))


CHANGES = [
    (ANNA, BERT),
    (ANNA, UNKNOWN),
    (ANNA, NOBODY),
    (BERT, ANNA),
    (BERT, NOBODY),
    (UNKNOWN, ANNA),
    (UNKNOWN, NOBODY),
    (NOBODY, ANNA),
    (NOBODY, BERT),
    (NOBODY, UNKNOWN),
]


@pytest.mark.parametrize(
    ("moment", "speaker", "wanted"),
    [
        (Moment.verified, "anna", [(BERT, ANNA), (UNKNOWN, ANNA), (NOBODY, ANNA)]),
        (Moment.verified, None, [(a, b) for a, b in CHANGES if b in (ANNA, BERT)]),
        (Moment.lost, "anna", [(ANNA, BERT), (ANNA, UNKNOWN), (ANNA, NOBODY)]),
        (Moment.lost, None, [(a, b) for a, b in CHANGES if b == NOBODY]),
        (Moment.unknown, None, [(ANNA, UNKNOWN), (NOBODY, UNKNOWN)]),
        (Moment.changed, None, [(ANNA, BERT), (ANNA, UNKNOWN), (BERT, ANNA)]),
        (Moment.changed, "bert", [(ANNA, BERT), (BERT, ANNA)]),
        (Moment.any, None, CHANGES),
        (Moment.any, "bert", [(a, b) for a, b in CHANGES if BERT in (a, b)]),
    ],
)
def test_each_moment_means_certain_changes(
    moment: Moment, speaker: str | None, wanted: list[tuple[str, str]]
) -> None:
    wish = Wish(moment=moment, speaker=speaker)
    assert [pair for pair in CHANGES if wish.wants(change(*pair))] == wanted


def test_another_stream_is_not_wanted() -> None:
    assert not Wish(moment=Moment.any, stream="kitchen").wants(change(NOBODY, ANNA))
