from __future__ import annotations

from earwitness.events import ProfileEnrolled, SpeakerLost, SpeakerVerified, StreamOpened, WindowScored
from earwitness.schema.examples import EVENTS
from earwitnessd.journal.told import Telling

VERIFIED = SpeakerVerified(
    stream="mic",
    stream_id="mic-1",
    start=0,
    stop=48_000,
    speaker="anna",
    score=0.91237,
    threshold=0.86,
    runner_up=None,
    margin=None,
    evidence_s=3.0,
    since=0,
    ttl_s=6.0,
)


def test_a_verdict_is_told_once_however_often_it_is_said_again() -> None:
    telling = Telling()
    first = telling.of(VERIFIED)
    assert first is not None
    assert first.text == "stream mic hears anna"
    assert first.fields["event"] == "speaker.verified"
    assert first.fields["speaker"] == "anna"
    assert telling.of(VERIFIED) is None
    lost = SpeakerLost(stream="mic", stream_id="mic-1", start=0, stop=1, previous="anna", reason="silence")
    assert telling.of(lost) is not None
    assert telling.of(VERIFIED) is not None


def test_nothing_is_told_of_a_window() -> None:
    scored = [event for event in EVENTS if isinstance(event, WindowScored)]
    assert scored
    assert all(Telling().of(event) is None for event in scored)


def test_no_score_is_told_of_any_event() -> None:
    for event in EVENTS:
        told = Telling().of(event)
        if told is not None:
            shown = f"{told.text} {told.fields}"
            for name in ("score", "llr", "posterior", "margin"):
                value = getattr(event, name, None)
                assert value is None or str(value) not in shown


def test_a_device_cannot_break_the_line() -> None:
    opened = StreamOpened(
        stream="mic",
        stream_id="mic-1",
        start=0,
        stop=0,
        device="Evil\n<0>kernel: panic\x1b[2J",
        native_rate=48_000,
        native_channels=1,
        paced=True,
    )
    told = Telling().of(opened)
    assert told is not None
    assert told.text.isprintable()


def test_who_is_enrolled_is_told() -> None:
    told = Telling().of(ProfileEnrolled(speaker="ben", exemplars=1, speech_s=12.4))
    assert told is not None
    assert told.text == "ben is enrolled, with 12 s of speech"
