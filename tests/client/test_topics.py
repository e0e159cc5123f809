"""Prefixes end where a segment ends."""

from __future__ import annotations

import pytest

from earwitness.subscription import TopicFilter


@pytest.mark.parametrize(
    ("prefix", "topic", "wanted"),
    [
        ("speaker", "speaker.verified.desk.anna", True),
        ("speaker.", "speaker.verified.desk.anna", True),
        ("speaker.verified.desk", "speaker.verified.desk.anna", True),
        ("speaker.verified.desk", "speaker.verified.desk2.anna", False),
        ("speaker.ver", "speaker.verified.desk.anna", False),
        ("heartbeat", "heartbeat", True),
        ("", "anything", True),
    ],
)
def test_a_prefix_wants_whole_segments(prefix: str, topic: str, wanted: bool) -> None:
    assert TopicFilter.of([prefix]).wants(topic) is wanted


def test_no_topics_are_all_topics() -> None:
    assert TopicFilter.of([]).complete
    assert TopicFilter.of(["speaker", ""]).complete
    assert TopicFilter.of([]).on_the_wire == (b"",)


def test_a_part_also_listens_to_the_heartbeat_to_know_the_daemon_lives() -> None:
    assert TopicFilter.of(["speaker", "speaker."]).on_the_wire == (b"speaker", b"heartbeat")
