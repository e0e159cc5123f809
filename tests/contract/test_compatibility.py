"""A v1 subscriber keeps working: what was, is still understood; what is to come, is skipped and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from earwitness import Missed, Skipped, subscribe
from earwitness.control import METHODS, Reply, Request
from earwitness.events import AnyEvent, Event, ForeignEvent, SpeakerVerified, decode, encode
from earwitness.schema.examples import EVENTS
from tests.clients.publisher import PublisherThread

from . import recorded

BODIES = sorted(recorded.FOLDER.glob("*.json"))
EXCHANGES = sorted((recorded.FOLDER / "control").glob("*.json"))
VERIFIED = next(event for event in EVENTS if isinstance(event, SpeakerVerified))


class Spoof(Event, frozen=True, kw_only=True, tag="spoof.suspected"):
    stream: str
    suspicion: float


@pytest.mark.parametrize("file", BODIES, ids=lambda file: file.stem)
def test_every_event_of_version_1_is_understood(file: Path) -> None:
    body = file.read_bytes()
    event = decode(body)
    assert isinstance(event, AnyEvent)
    assert_said_again(json.loads(body), json.loads(encode(event)))


@pytest.mark.parametrize("file", EXCHANGES, ids=lambda file: file.stem)
def test_every_exchange_of_version_1_is_understood(file: Path) -> None:
    exchange = json.loads(file.read_bytes())
    request = msgspec.convert(exchange["request"] | {"params": msgspec.Raw(b"")}, Request)
    method = METHODS[request.method]
    asked = msgspec.convert(exchange["request"]["params"], method)
    assert_said_again(exchange["request"]["params"], msgspec.to_builtins(asked))
    reply = msgspec.convert(exchange["reply"] | {"result": msgspec.Raw(b"")}, Reply)
    assert reply.error is None
    answered = msgspec.convert(exchange["reply"]["result"], method.result)
    assert_said_again(exchange["reply"]["result"], msgspec.to_builtins(answered))


def test_a_body_of_every_type_and_method_is_kept() -> None:
    assert recorded.of_today().keys() <= {*BODIES, *EXCHANGES}, f"keep the new: {recorded.COMMAND}"


def test_a_new_field_is_ignored_wherever_it_is() -> None:
    beat = next(event for event in EVENTS if event.type == "heartbeat")
    body = msgspec.to_builtins(beat)
    body["later"] = {"a": [1]}
    body["engine"]["later"] = "x"
    body["streams"][0]["later"] = None
    assert decode(json.dumps(body).encode()) == beat


@pytest.mark.parametrize(
    "change",
    [{"type": "spoof.suspected"}, {"v": 2}, {"v": 2, "score": {"mean": 0.9}}],
    ids=["type", "version", "version of another form"],
)
def test_another_type_or_version_is_told_apart_and_keeps_its_numbers(change: dict[str, Any]) -> None:
    body = msgspec.to_builtins(VERIFIED) | change
    assert decode(json.dumps(body).encode()) == ForeignEvent(
        type=body["type"], v=body["v"], boot=VERIFIED.boot, seq=VERIFIED.seq, topic_seq=VERIFIED.topic_seq
    )


def test_a_broken_body_of_a_known_type_is_an_error() -> None:
    body = msgspec.to_builtins(VERIFIED) | {"score": "high"}
    with pytest.raises(msgspec.DecodeError):
        decode(json.dumps(body).encode())


def test_a_subscription_skips_and_counts_what_it_does_not_know(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/events"
    with PublisherThread(endpoint) as publisher, subscribe(endpoint, timeout_s=10) as subscription:
        publisher.await_subscription("")
        unknown = Spoof(stream="desk", suspicion=0.9)
        publisher.publish(VERIFIED, unknown, unknown, msgspec.structs.replace(VERIFIED, v=2), VERIFIED)
        heard: list[object] = []
        while sum(isinstance(item, SpeakerVerified) for item in heard) < 2:
            heard.append(next(subscription))
        assert [item for item in heard if isinstance(item, Skipped)] == [
            Skipped(type="spoof.suspected"),
            Skipped(type="speaker.verified"),
        ]
        assert not any(isinstance(item, Missed) for item in heard)
        assert subscription.counts.unknown == {"spoof.suspected": 2, "speaker.verified": 1}
        assert subscription.counts.received == 5


def assert_said_again(recorded: Any, today: Any) -> None:
    """Everything recorded is still there, with the same value; more may be."""
    if isinstance(recorded, dict):
        assert recorded.keys() <= today.keys()
        for name, value in recorded.items():
            assert_said_again(value, today[name])
    elif isinstance(recorded, list):
        assert len(recorded) == len(today)
        for value, again in zip(recorded, today, strict=True):
            assert_said_again(value, again)
    else:
        assert recorded == today
