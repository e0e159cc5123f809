"""The account of a stream adds up, whatever was told."""

from __future__ import annotations

from earwitness.events import Event, StreamGap, StreamLost, StreamOpened

from .account import accounts, jumps


def opened(boot: str, stream_id: str, source_position: int) -> StreamOpened:
    return StreamOpened(
        boot=boot,
        stream="desk",
        stream_id=stream_id,
        start=0,
        stop=0,
        device="a test",
        native_rate=16_000,
        native_channels=1,
        paced=True,
        source_id="run-1",
        source_position=source_position,
    )


def gap(boot: str, stream_id: str, start: int, samples: int) -> StreamGap:
    return StreamGap(
        boot=boot,
        stream="desk",
        stream_id=stream_id,
        start=start,
        stop=start + samples,
        samples=samples,
        reason="link",
    )


def lost(boot: str, stream_id: str, stop: int) -> StreamLost:
    return StreamLost(
        boot=boot, stream="desk", stream_id=stream_id, start=0, stop=stop, reason="over", final=False
    )


def test_what_was_heard_lost_and_heard_twice_adds_up_over_two_daemons() -> None:
    told: list[Event] = [
        opened("a", "a-1", 0),
        gap("a", "a-1", 100, 50),
        lost("a", "a-1", 1000),
        opened("a", "a-2", 1000),
        lost("a", "a-2", 500),
        opened("b", "b-1", 1400),
        lost("b", "b-1", 600),
        opened("b", "b-2", 2100),
        lost("b", "b-2", 900),
    ]
    account = accounts(told)["desk"]
    assert account.steps == [0, -100, 100]
    assert (account.heard, account.named, account.between, account.twice) == (2850, 50, 100, 100)
    assert account.openings[-1].end == 3000 == account.heard + account.named + account.between
    assert account.of("b").between == 100


def test_a_number_that_was_left_out_is_found() -> None:
    told = [gap("a", "a-1", 0, 1)] * 2
    numbered = [
        type(event)(
            **{
                name: getattr(event, name)
                for name in event.__struct_fields__
                if name not in {"seq", "topic_seq"}
            },
            seq=seq,
            topic_seq=seq,
        )
        for seq, event in zip((1, 3), told, strict=True)
    ]
    assert list(jumps(numbered)) == ["all: 3 after 1", "stream.gap.desk: 3 after 1"]
