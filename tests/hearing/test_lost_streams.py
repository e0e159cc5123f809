"""A stream that ends, and what is missed until it is heard again."""

from __future__ import annotations

import time

import msgspec

from earwitness.events import SpeechStopped, StreamLost
from earwitnessd.capture.messages import RATE

from ..voices import ANNA_HZ, NS, Mouth, room, talking
from .ear import Ear


def test_a_lost_stream_is_told_once_and_the_speech_in_it_ends(ear: Ear) -> None:
    ear.say(talking(ANNA_HZ, 1.3))
    assert ear.hearing.speaking
    stopped, lost = ear.gone()
    assert isinstance(stopped, SpeechStopped)
    assert isinstance(lost, StreamLost)
    assert (lost.stop, lost.reason, lost.final) == (round(1.3 * RATE), "unplugged", False)
    assert ear.gone() == []
    assert ear.hearing.on_message(ear.mouth.ended(), None) == []
    assert ear.hearing.opened is None


def test_an_end_told_by_the_source_itself_is_the_same_loss(ear: Ear) -> None:
    (lost,) = ear.hearing.on_message(ear.mouth.ended("end of file", final=True), None)
    assert isinstance(lost, StreamLost)
    assert (lost.reason, lost.final) == ("end of file", True)
    assert ear.gone(reason="the process ended") == []


def test_each_opening_is_lost_for_itself(ear: Ear) -> None:
    assert len(ear.gone()) == 1
    ear.open("desk-2")
    assert ear.gone("desk-1") == []
    assert ear.hearing.opened is not None
    assert len(ear.gone("desk-2")) == 1


def test_a_source_that_never_opened_is_lost_once_too() -> None:
    ear = Ear()
    (lost,) = ear.gone("desk-1", "no such device")
    assert isinstance(lost, StreamLost)
    assert (lost.stream_id, lost.reason) == ("desk-1", "no such device")
    assert ear.gone("desk-2", "no such device") == []


def test_nothing_is_heard_of_a_lost_stream(ear: Ear) -> None:
    ear.say(room(1.0))
    ear.gone()
    assert ear.lose(500) == []
    assert ear.say(talking(ANNA_HZ, 4.0)) == []
    ear.hearing.on_message(ear.mouth.alive(overflows=3), None)
    assert ear.hearing.counters.lost_samples == 0
    assert ear.hearing.counters.overflows == 0
    assert ear.hearing.position == RATE


def reopened(ear: Ear, *, final: bool, paced: bool = True) -> int:
    """Lost samples after one second heard, a loss, and an opening four seconds later."""
    ear.open(paced=paced)
    ear.say(room(1.0))
    ear.hearing.on_gone("desk-1", "unplugged", final)
    later = Mouth(stream_id="desk-2", paced=paced, began_ns=ear.mouth.now_ns + 4 * NS)
    ear.hearing.on_message(later.opened(), None)
    return ear.hearing.counters.lost_samples


def test_what_is_said_while_a_lost_source_is_reopened_counts_as_lost() -> None:
    assert reopened(Ear(), final=False) == 4 * RATE


def test_a_source_that_hangs_before_it_is_heard_missed_all_since_it_opened() -> None:
    ear = Ear()
    ear.open()
    ear.hearing.on_gone("desk-1", "it hung", False)
    later = Mouth(stream_id="desk-2", began_ns=ear.mouth.now_ns + 4 * NS)
    ear.hearing.on_message(later.opened(), None)
    assert ear.hearing.counters.lost_samples == 4 * RATE


def test_what_nobody_wanted_to_hear_is_not_lost() -> None:
    assert reopened(Ear(), final=True) == 0
    assert reopened(Ear(), final=False, paced=False) == 0


def test_the_count_of_what_is_missed_grows_while_a_source_is_lost() -> None:
    ear = Ear()
    ear.mouth = Mouth(began_ns=time.monotonic_ns() - 4 * NS)  # a machine may have been up for only so long
    ear.hearing.on_message(ear.mouth.opened(), None)
    ear.say(room(1.0))
    ear.gone()
    first = ear.hearing.counted().lost_samples
    assert ear.hearing.counted().lost_samples >= first >= 3 * RATE
    assert ear.hearing.counters.lost_samples == 0


def far(ear: Ear, stream_id: str, source_id: str, position: int) -> None:
    """A satellite's source is opened here, from that position of its own on, four seconds later."""
    began_ns = ear.mouth.now_ns + 4 * NS
    ear.mouth = Mouth(stream_id=stream_id, began_ns=began_ns)
    opened = msgspec.structs.replace(ear.mouth.opened(), source_id=source_id, source_position=position)
    ear.hearing.on_message(opened, None)


def test_what_a_satellite_kept_while_it_was_away_is_not_lost_and_what_it_dropped_is_known_to_the_sample() -> (
    None
):
    ear = Ear()
    far(ear, "desk-1", "run-1", 700)
    ear.say(room(1.0))
    for number, missed in enumerate((0, 0, 123), 2):
        begin = 700 + (number - 1) * RATE + missed
        ear.hearing.on_gone(f"desk-{number - 1}", "nothing came", False)
        assert ear.hearing.counted().lost_samples == 0  # what counts may never fall again
        far(ear, f"desk-{number}", "run-1", begin)
        assert ear.hearing.counted().lost_samples == missed
        ear.say(room(1.0))


def test_what_a_satellite_sends_twice_is_not_lost() -> None:
    ear = Ear()
    far(ear, "desk-1", "run-1", 0)
    ear.say(room(1.0))
    ear.hearing.on_gone("desk-1", "nothing came", False)
    far(ear, "desk-2", "run-1", RATE // 2)
    assert ear.hearing.counted().lost_samples == 0


def test_a_satellite_that_was_started_anew_missed_what_passed_meanwhile() -> None:
    ear = Ear()
    far(ear, "desk-1", "run-1", 0)
    ear.say(room(1.0))
    ear.hearing.on_gone("desk-1", "nothing came", False)
    far(ear, "desk-2", "run-2", 0)
    assert ear.hearing.counted().lost_samples == 4 * RATE
