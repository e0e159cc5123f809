"""`earwitness webhook` and the real daemon: what it keeps is what the webhook makes up for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.events import StreamLost, StreamOpened
from earwitnessd.demo.conversation import load_conversation
from earwitnessd.demo.play import STREAM, stage
from earwitnessd.private import PrivateDaemon

from .programs import Program, eventually
from .receiver import Receiver


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    with stage(load_conversation(), "builtin", fast=False) as made:
        yield made


def play(daemon: PrivateDaemon) -> list[int]:
    """Open the stream and let go of it; the numbers of both events."""
    seqs = []
    daemon.control.resume(STREAM)
    for event in daemon.listener:
        if isinstance(event, StreamOpened) and not event.replayed:
            seqs.append(event.seq)
            daemon.control.pause(STREAM)
        if isinstance(event, StreamLost) and seqs:
            seqs.append(event.seq)
            break
    return seqs


def webhook(daemon: PrivateDaemon, directory: Path, url: str) -> Program:
    return Program(directory, "webhook", url, "--topics", "stream", "--state", str(directory / "mark"))


def test_what_the_daemon_said_while_the_webhook_was_dead_is_posted_afterwards(
    daemon: PrivateDaemon, tmp_path: Path
) -> None:
    for name in ("events", "control"):
        (tmp_path / name).symlink_to(Path(daemon.events.removeprefix("ipc://")).with_name(name))
    with Receiver() as receiver:
        with webhook(daemon, tmp_path, receiver.url) as program:
            program.says("connected to")
            first = play(daemon)
            heard = [receiver.next().event["seq"]]
            while heard[-1] != first[-1]:
                heard.append(receiver.next().event["seq"])
            eventually(lambda: f'"seq":{first[-1]}' in (tmp_path / "mark").read_text())
            program.process.kill()
        meanwhile = play(daemon) + play(daemon)
        with webhook(daemon, tmp_path, receiver.url) as program:
            program.says("4 events made up for")
            again = play(daemon)
            assert [receiver.next().event["seq"] for _ in range(6)] == meanwhile + again
