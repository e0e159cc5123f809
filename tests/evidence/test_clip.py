"""Which verdicts are kept, and how much of the audio around them."""

from __future__ import annotations

import msgspec
import pytest

from earwitness.events import Event, SpeechStarted
from earwitnessd.capture.messages import RATE
from earwitnessd.evidence.clip import Key, News
from earwitnessd.settings.load import load
from earwitnessd.settings.root import Evidence
from earwitnessd.settings.validate import SettingsError
from tests.evidence.making import STREAM_ID, changed, hit, lost, over, unknown, verified

KEEP = Evidence(keep=True)


def kept(*events: Event, settings: Evidence = KEEP) -> list[bool]:
    """Of each event in turn, whether evidence is wanted."""
    news = News(settings)
    return [news.wanted(event) is not None for event in events]


def test_the_stretch_is_the_window_and_what_was_asked_for_around_it() -> None:
    wanted = News(Evidence(keep=True, before_s=1.5, after_s=2.0)).wanted(verified(stop_s=10.0))
    assert wanted is not None
    assert (wanted.start, wanted.stop) == (round(5.5 * RATE), 12 * RATE)


def test_nothing_lies_before_the_stream() -> None:
    wanted = News(KEEP).wanted(verified(stop_s=3.0))
    assert wanted is not None
    assert wanted.start == 0


def test_a_verdict_that_is_said_again_is_no_news() -> None:
    assert kept(verified(), verified(stop_s=13), unknown(16), unknown(19)) == [True, False, True, False]


def test_another_person_or_the_same_after_a_loss_is_news() -> None:
    assert kept(verified(), verified("ben"), verified(), lost(), verified()) == [
        True,
        True,
        True,
        False,
        True,
    ]


def test_streams_have_their_own_news() -> None:
    door = msgspec.structs.replace(verified(), stream="door", stream_id="7459ca99-door-1")
    assert kept(verified(), door, verified()) == [True, True, False]


def test_only_the_verdicts_asked_for_are_kept() -> None:
    only_changes = Evidence(keep=True, events=("speaker.changed",))
    assert kept(verified(), changed(), verified("ben"), settings=only_changes) == [False, True, False]


def test_a_hit_of_each_watchlist_is_kept_once_until_it_is_over() -> None:
    asked = Evidence(keep=True, events=("watchlist.hit",))
    said = (hit(), hit("vip"), hit(stop_s=13.0), verified(), over(), hit(stop_s=20.0), hit("vip", 20.0))
    assert kept(*said, settings=asked) == [True, True, False, False, False, True, False]
    assert kept(hit()) == [False]
    assert Key.of(hit()) != Key.of(hit("vip"))


def test_what_is_no_verdict_is_not_kept() -> None:
    started = SpeechStarted(stream="desk", stream_id=STREAM_ID, start=0, stop=0)
    assert kept(started, lost()) == [False, False]


def test_by_default_nothing_is_kept() -> None:
    assert not load(None).evidence.keep


@pytest.mark.parametrize(
    ("override", "why"),
    [
        (
            "evidence.before_s=60",
            "evidence.memory_s = 0: must be at least 77 to reach back evidence.before_s = 60",
        ),
        ("evidence.events=[]", "evidence.events = []: name a verdict to keep"),
        (
            "evidence.events=[speaker.lost]",
            "evidence.events[0] = 'speaker.lost': must be one of",
        ),
        ("evidence.events=speaker.unknown", "evidence.events = 'speaker.unknown': must be a list of one of"),
        ("evidence.retention_days=0", "evidence.retention_days = 0: must be a number above 0"),
        ("evidence.max_files=0", "evidence.max_files = 0: must be a whole number at least 1"),
        (
            "evidence.memory_s=4000",
            "evidence.memory_s = 4000: must be a number at least 0.0 and at most 3600.0",
        ),
        ("evidence.kept=true", "evidence.kept: unknown key; did you mean 'keep'?"),
    ],
)
def test_evidence_that_cannot_be_kept_is_refused(override: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(None, ["evidence.keep=true", override])
    assert str(refused.value).startswith(why)


def test_a_longer_memory_reaches_further_back() -> None:
    assert load(None, ["evidence.keep=true", "evidence.before_s=60", "evidence.memory_s=120"])
