"""Capture's messages go in, windows and what is known of them come out; every loss is counted."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from earwitness.events import Event, SpeechStarted, SpeechStopped, StreamGap, StreamOpened
from earwitnessd.capture.cadence import AT_ONCE_S
from earwitnessd.capture.messages import RATE
from earwitnessd.hearing import RECORDED_BATCH, RING_S
from earwitnessd.settings.root import Quality, Windows
from earwitnessd.speech import open_gate
from earwitnessd.speech.activity import SpeechActivity

from ..voices import ANNA_HZ, ENERGY, NS, room, talking
from .ear import BLOCK, Ear, only

LENGTH = 3 * RATE
HOP = RATE // 2


def test_an_opening_is_told_with_what_was_opened() -> None:
    ear = Ear()
    assert ear.hearing.opened is None
    (opened,) = ear.open()
    assert isinstance(opened, StreamOpened)
    assert (opened.stream, opened.stream_id, opened.device) == ("desk", "desk-1", "a test")
    assert (opened.native_rate, opened.native_channels, opened.paced) == (48_000, 2, True)
    assert ear.hearing.counters.opened == 1


def test_windows_hold_exactly_what_was_said_there(ear: Ear) -> None:
    said = talking(ANNA_HZ, 6.3)
    ear.say(said)
    assert [heard.window.start for heard in ear.windows] == list(range(0, len(said) - LENGTH + 1, HOP))
    for heard in ear.windows:
        np.testing.assert_array_equal(heard.window.samples, said[heard.window.start : heard.window.stop])
        assert heard.window.stop - heard.window.start == LENGTH
        assert (heard.window.gaps, heard.reasons, heard.embeddable) == ((), (), True)


def test_nothing_is_heard_before_the_opening() -> None:
    ear = Ear()
    assert ear.say(talking(ANNA_HZ, 4.0)) == []
    assert ear.hearing.position == 0
    assert ear.windows == []


def test_an_announced_loss_marks_every_window_it_touches(ear: Ear) -> None:
    ear.say(talking(ANNA_HZ, 4.0))
    (gap,) = ear.lose(100)
    assert isinstance(gap, StreamGap)
    assert (gap.start, gap.stop, gap.samples, gap.reason) == (4 * RATE, 4 * RATE + 100, 100, "overflow")
    ear.say(talking(ANNA_HZ, 8.0))
    touched = [heard for heard in ear.windows if heard.window.start <= 4 * RATE < heard.window.stop]
    assert len(touched) == 6
    for heard in ear.windows:
        is_touched = any(heard is each for each in touched)
        assert ("gap" in heard.reasons) is is_touched
        assert heard.embeddable is not is_touched
        assert heard.window.gaps == (((4 * RATE, 4 * RATE + 100),) if is_touched else ())
    hole = 4 * RATE - touched[0].window.start
    assert not touched[0].window.samples[hole : hole + 100].any()
    assert (ear.hearing.counters.gaps, ear.hearing.counters.lost_samples) == (1, 100)


def test_a_jump_that_nobody_announced_is_a_gap_too(ear: Ear) -> None:
    ear.say(room(1.0))
    ear.mouth.position += 5000
    gaps = only(ear.say(room(1.0)), StreamGap)
    assert [(gap.start, gap.stop, gap.reason) for gap in gaps if isinstance(gap, StreamGap)] == [
        (RATE, RATE + 5000, "unannounced")
    ]
    assert ear.hearing.position == 2 * RATE + 5000
    assert ear.hearing.counters.lost_samples == 5000


def test_positions_never_go_back(ear: Ear) -> None:
    ear.say(room(1.0))
    ear.mouth.position = RATE // 2
    assert ear.say(room(0.1)) == []
    ear.mouth.position = 0
    assert ear.lose(500) == []
    assert ear.lose(0) == []
    assert ear.hearing.position == RATE
    assert ear.hearing.counters.bad_messages == 3
    assert ear.hearing.counters.lost_samples == 0


def test_a_loss_longer_than_the_ring_is_survived_and_counted(ear: Ear) -> None:
    ear.say(room(1.0))
    ear.lose(8 * 3600 * RATE)
    ear.hearing.keep_newest(4)
    ear.say(talking(ANNA_HZ, 5.0))
    assert ear.hearing.position == (8 * 3600 + 6) * RATE
    assert ear.hearing.counters.windows_skipped > 57_000
    assert not ear.windows[-1].reasons


def test_the_last_words_of_an_earlier_opening_are_not_heard(ear: Ear) -> None:
    ear.say(room(1.0))
    earlier = ear.mouth
    ear.open("desk-2")
    block = room(0.1)
    assert ear.hearing.on_message(earlier.audio(block), block) == []
    assert ear.hearing.on_message(earlier.lost(100), None) == []
    assert ear.hearing.on_message(earlier.ended(), None) == []
    assert ear.hearing.position == 0
    assert ear.hearing.opened is not None


def test_a_reopened_stream_counts_from_zero_and_its_windows_hold_nothing_old(ear: Ear) -> None:
    ear.say(talking(ANNA_HZ, 4.0))
    ear.gone()
    ear.windows.clear()
    ear.open("desk-2")
    said = talking(ANNA_HZ, 3.5, seed=2)
    ear.say(said)
    assert [(heard.window.stream_id, heard.window.start) for heard in ear.windows] == [
        ("desk-2", 0),
        ("desk-2", HOP),
    ]
    np.testing.assert_array_equal(ear.windows[0].window.samples, said[:LENGTH])
    assert ear.hearing.counters.opened == 2


def test_a_gap_before_a_reopening_marks_nothing_after_it(ear: Ear) -> None:
    ear.say(talking(ANNA_HZ, 1.0))
    ear.lose(100)
    ear.gone()
    ear.open("desk-2")
    ear.say(talking(ANNA_HZ, 3.0))
    assert ear.windows[-1].window.gaps == ()


def test_of_a_stream_that_is_too_far_behind_the_newest_windows_are_kept_the_others_counted(
    ear: Ear,
) -> None:
    ear.say(talking(ANNA_HZ, 10.0), take=False)
    assert ear.hearing.due == 15
    assert ear.hearing.keep_newest(4) == 11
    assert ear.hearing.due == 4
    assert ear.hearing.counters.windows_skipped == 11
    assert ear.hearing.take_due(1)[0].window.start == 11 * HOP


def test_a_stream_that_is_not_behind_keeps_all_its_windows(ear: Ear) -> None:
    ear.say(talking(ANNA_HZ, 4.5), take=False)
    assert ear.hearing.keep_newest(4) == 0
    assert ear.hearing.due == 4
    assert ear.hearing.keep_newest(1) == 3
    assert ear.hearing.due == 1


def test_a_recording_is_full_at_some_point() -> None:
    ear = Ear()
    ear.open(paced=False)
    ear.say(talking(ANNA_HZ, (LENGTH + (RECORDED_BATCH - 1) * HOP) / RATE - 0.1), take=False)
    full = [ear.hearing.full]
    ear.say(talking(ANNA_HZ, 0.1), take=False)
    full.append(ear.hearing.full)
    ear.hearing.take_due(3)
    assert [*full, ear.hearing.full] == [False, True, False]


def test_a_live_stream_is_never_full(ear: Ear) -> None:
    ear.say(room(12.0), take=False)
    assert not ear.hearing.full


def test_a_recording_is_not_full_before_its_first_long_window_is_complete() -> None:
    ear = Ear(msgspec.structs.replace(ENERGY, windows=Windows(length_s=20.0, hop_s=20.0)))
    ear.open(paced=False)
    ear.say(room(19.0), take=False)
    full = [ear.hearing.full]
    ear.say(room(1.0), take=False)
    assert [*full, ear.hearing.full] == [False, True]


def test_windows_that_the_ring_has_lost_are_counted_as_skipped() -> None:
    ear = Ear()
    ear.open(paced=False)
    ear.say(room(RING_S + 2.0), take=False)
    taken = ear.hearing.take_due(1000)
    assert ear.hearing.counters.windows_skipped == 4
    assert taken[0].window.start == 2 * RATE


def test_what_capture_counts_adds_up_over_all_openings(ear: Ear) -> None:
    ear.hearing.on_message(ear.mouth.alive(overflows=2, stalls=1), None)
    ear.hearing.on_message(ear.mouth.alive(overflows=5, stalls=1, unusable=7), None)
    ear.gone()
    ear.open("desk-2")
    ear.hearing.on_message(ear.mouth.alive(overflows=1, stalls=4, unusable=2), None)
    counters = ear.hearing.counters
    assert (counters.overflows, counters.stalls, counters.unusable_samples) == (6, 5, 9)


def test_a_device_that_delivers_zeros_is_noticed_and_forgotten_when_it_is_lost(ear: Ear) -> None:
    ear.hearing.on_message(ear.mouth.alive(zero_run_s=7.5), None)
    assert ear.hearing.zero_run_s == 7.5
    ear.gone()
    assert ear.hearing.zero_run_s == 0.0
    assert ear.hearing.level_dbfs is None


def test_audio_that_is_not_a_number_makes_its_windows_useless_and_no_others(ear: Ear) -> None:
    said = talking(ANNA_HZ, 9.0)
    said[4 * RATE : 4 * RATE + 50] = np.nan
    said[4 * RATE + 50 : 4 * RATE + 90] = np.inf
    ear.say(said)
    for heard in ear.windows:
        holds = heard.window.start < 4 * RATE + 90 and heard.window.stop > 4 * RATE
        assert ("not_finite" in heard.reasons) is holds
        assert heard.embeddable is not holds
        assert np.isfinite(heard.quality.level_dbfs)
    assert ear.hearing.level_dbfs is not None
    assert np.isfinite(ear.hearing.level_dbfs)


def test_a_silent_window_has_too_little_speech(ear: Ear) -> None:
    ear.say(room(4.0))
    assert [heard.reasons for heard in ear.windows] == [("too_little_speech",)] * 3
    assert not any(heard.embeddable for heard in ear.windows)


def test_a_clipped_or_noisy_window_is_embedded_but_says_so() -> None:
    clipping = Ear(msgspec.structs.replace(ENERGY, quality=Quality(max_clipped=0.05)))
    clipping.open()
    clipping.say(np.clip(talking(ANNA_HZ, 4.0, level=3.0), -1.0, 1.0))
    assert clipping.windows[-1].reasons == ("clipped",)
    noisy = Ear(msgspec.structs.replace(ENERGY, quality=Quality(min_snr_db=58.0)))
    noisy.open()
    noisy.say(talking(ANNA_HZ, 4.0))
    assert noisy.windows[-1].reasons == ("low_snr",)
    assert clipping.windows[-1].embeddable
    assert noisy.windows[-1].embeddable


def test_speech_is_told_when_it_starts_and_when_it_stops(ear: Ear) -> None:
    events = ear.say(np.concatenate([room(1.0), talking(ANNA_HZ, 2.0), room(1.0)]))
    started, stopped = events
    assert isinstance(started, SpeechStarted)
    assert isinstance(stopped, SpeechStopped)
    assert started.start == pytest.approx(RATE, abs=512)
    assert stopped.start == started.start
    assert stopped.stop == pytest.approx(2.85 * RATE, abs=512)
    assert not ear.hearing.speaking


def test_speech_that_begins_is_told_with_its_block_and_its_end_half_a_second_later_at_most(ear: Ear) -> None:
    told: list[tuple[int, Event]] = []
    for said in (room(1.0), talking(ANNA_HZ, 1.3), room(2.0), talking(ANNA_HZ, 0.7, seed=2), room(2.0)):
        for start in range(0, len(said), BLOCK):
            events = ear.say(said[start : start + BLOCK])
            told += [(ear.hearing.position, event) for event in events]
    starts = [at - event.start for at, event in told if isinstance(event, SpeechStarted)]
    stops = [at - event.stop for at, event in told if isinstance(event, SpeechStopped)]
    assert (len(starts), len(stops)) == (2, 2)
    assert max(starts) <= BLOCK + (ENERGY.speech_gate.min_run_s + 0.032) * RATE
    assert max(stops) <= BLOCK + (ENERGY.speech_gate.hangover_s + 0.032 + AT_ONCE_S) * RATE


def test_a_window_knows_all_speech_in_it_however_long_the_gate_was_made_to_wait(ear: Ear) -> None:
    said = np.concatenate([room(1.0), talking(ANNA_HZ, 2.2), room(1.5), talking(ANNA_HZ, 3.1, seed=2)])
    ear.say(said)
    gate = open_gate(ENERGY.speech_gate)
    activity = SpeechActivity(ENERGY.speech_gate, gate.chunk_samples, RATE, RING_S)
    activity.push(0, gate.push(said))
    for heard in ear.windows:
        decided = heard.window.stop // gate.chunk_samples * gate.chunk_samples
        speech_s = activity.speech_seconds(heard.window.start, decided)
        assert heard.speech_s == pytest.approx(speech_s, abs=ENERGY.speech_gate.min_run_s)


def test_every_bit_of_speech_is_new_to_exactly_one_window(ear: Ear) -> None:
    said = np.concatenate([room(1.3), talking(ANNA_HZ, 25.0), room(3.7)])
    gate = open_gate(ENERGY.speech_gate)
    activity = SpeechActivity(ENERGY.speech_gate, gate.chunk_samples)
    activity.push(0, gate.push(said))
    ear.say(said)
    new_s = sum(heard.new_speech_s for heard in ear.windows)
    assert new_s == pytest.approx(activity.speech_seconds(0, len(said)), abs=0.001)
    assert new_s == pytest.approx(50 * 0.35, rel=0.12)
    assert ear.hearing.counters.speech_s == pytest.approx(new_s)


def test_of_a_live_stream_each_sample_was_captured_its_time_before_the_blocks_end(ear: Ear) -> None:
    ear.say(room(3.55))
    assert ear.mouth.now_ns == 1000 * NS + round(3.55 * NS)
    assert ear.hearing.captured_ns(round(3.55 * RATE)) == ear.mouth.now_ns
    assert ear.hearing.captured_ns(round(3.45 * RATE)) == ear.mouth.now_ns - NS // 10
    (heard, _) = ear.windows
    assert heard.arrival.end == LENGTH
    assert heard.arrival.captured_ns == 1003 * NS
    assert heard.arrival.received_ns <= ear.hearing.last_message_ns


def test_a_window_that_ends_within_a_block_was_captured_before_the_block_was() -> None:
    ear = Ear(msgspec.structs.replace(ENERGY, windows=Windows(length_s=3.05, hop_s=0.5)))
    ear.open()
    ear.say(room(3.1))
    assert ear.windows[0].arrival.captured_ns == 1003 * NS + NS // 20


def test_of_a_recording_a_sample_counts_as_captured_when_its_block_was_read() -> None:
    ear = Ear(msgspec.structs.replace(ENERGY, windows=Windows(length_s=3.05, hop_s=0.5)))
    ear.open(paced=False)
    ear.say(room(3.1))
    assert ear.windows[0].arrival.captured_ns == ear.mouth.now_ns


def test_the_meter_falls_slowly_and_rises_at_once(ear: Ear) -> None:
    ear.say(room(0.5))
    quiet = ear.hearing.level_dbfs
    ear.say(talking(ANNA_HZ, 0.1))
    loud = ear.hearing.level_dbfs
    ear.say(room(0.1))
    falling = ear.hearing.level_dbfs
    assert quiet is not None
    assert loud is not None
    assert falling is not None
    assert quiet < -60.0
    assert loud > -15.0
    assert quiet + 10 < falling < loud - 10


def test_a_block_that_held_unusable_samples_marks_every_window_it_touches(ear: Ear) -> None:
    ear.say(talking(ANNA_HZ, 4.0))
    spoiled = talking(ANNA_HZ, 0.25)
    message = msgspec.structs.replace(ear.mouth.audio(spoiled), unusable=40)
    ear.hearing.on_message(message, spoiled)
    ear.say(talking(ANNA_HZ, 6.0))
    for heard in ear.windows:
        touches = heard.window.start < 4 * RATE + len(spoiled) and heard.window.stop > 4 * RATE
        assert ("gap" in heard.reasons) is touches
    assert len(ear.windows) > 10
