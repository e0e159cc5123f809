"""The example subscribers hear the daemon's publisher, check what they hear, and notice what they do not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
import zmq

from earwitness.events import DaemonStopping, Event, SpeakerVerified, SpeechStarted, WindowScored
from earwitness.schema import Part, schema
from earwitness.schema.examples import EVENTS

from . import installed
from .publisher import BOOT, PATIENCE_S, PublisherThread

Command = tuple[list[str], Mapping[str, str]]
# and what it needs in the environment


def example(kind: type[Event]) -> Event:
    return next(event for event in EVENTS if isinstance(event, kind))


SPEECH, VERIFIED, WINDOW = example(SpeechStarted), example(SpeakerVerified), example(WindowScored)
LATER = msgspec.structs.replace(VERIFIED, v=2)
STOPPING = example(DaemonStopping)
BROKEN = json.dumps(msgspec.to_builtins(VERIFIED) | {"boot": BOOT, "seq": "seven", "topic_seq": 99}).encode()
MALFORMED = json.dumps(
    msgspec.to_builtins(WINDOW)
    | {"boot": BOOT, "seq": 8, "topic_seq": 5, "scores": [{"speaker": "anna", "cosine": "high"}]}
).encode()
# its header is right, something deep inside is not


class Spoof(Event, frozen=True, kw_only=True, tag="spoof.suspected"):
    stream: str


def node(endpoint: str, folder: Path) -> Command:
    packages = installed.node_modules()
    program = shutil.copy(installed.HERE / "node" / "subscriber.mjs", packages)
    events = folder / "events.json"
    events.write_text(schema(Part.EVENTS))
    return ["node", str(program), endpoint, str(events)], {}


def c(endpoint: str, folder: Path) -> Command:
    source = installed.HERE / "c" / "subscriber.c"
    program = installed.compiled(source, folder / "subscriber", "zmq", "jansson")
    events = folder / "events.json"
    events.write_text(schema(Part.EVENTS))
    return [str(program), endpoint, str(events)], {}


def shell(endpoint: str, _: Path) -> Command:
    installed.need("bash", "jq")
    beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = installed.HERE / "shell" / "subscriber.sh"
    return ["bash", str(script)], {"EARWITNESS_EVENTS": endpoint, "PATH": beside}


@pytest.mark.parametrize("language", [node, c, shell], ids=lambda made: str(made.__name__))
def test_a_subscriber_hears_checks_skips_and_notices_gaps(language: object, tmp_path: Path) -> None:
    assert callable(language)
    endpoint = f"ipc://{tmp_path}/events"
    command, environment = language(endpoint, tmp_path)
    with PublisherThread(endpoint) as publisher:
        publisher.publish(SPEECH)
        with subprocess.Popen(
            command,
            env=os.environ | dict(environment),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a pipeline of several processes is ended as one
        ) as subscriber:
            deadline = threading.Timer(PATIENCE_S, os.killpg, (subscriber.pid, signal.SIGKILL))
            deadline.start()
            publisher.await_subscription("")
            publisher.publish(WINDOW, VERIFIED)
            publisher.lose(WINDOW, WINDOW)  # no last value of these could come after all
            publisher.publish(WINDOW, Spoof(stream="desk"), LATER)
            somebody_else_subscribes(publisher, endpoint)
            publisher.send(VERIFIED.topic, BROKEN)
            publisher.send(WINDOW.topic, MALFORMED)
            publisher.publish(VERIFIED, STOPPING)
            said = heard_until("event daemon.stopping", subscriber)
            deadline.cancel()
            os.killpg(subscriber.pid, signal.SIGKILL)
    expected = [
        "event speech.started.desk 1",
        "event window.scored.desk 2",
        "event speaker.verified.desk.anna 3",
        "gap window.scored.desk 2",
        "event window.scored.desk 6",
        "skipped spoof.suspected",
        "skipped speaker.verified",
        "invalid speaker.verified.desk.anna",
        "invalid window.scored.desk",
        "event speaker.verified.desk.anna 9",
        "event daemon.stopping 10",
    ]
    if language is shell:
        # `earwitness tail` leaves out what it cannot read
        expected = [line for line in expected if not line.startswith("invalid")]
    assert said == expected


def test_the_shell_script_finds_what_is_not_by_the_schema(tmp_path: Path) -> None:
    installed.need("bash", "jq")
    good = msgspec.to_builtins(VERIFIED) | {"topic_seq": 1}
    broken = (good | {"score": "high"}, {name: value for name, value in good.items() if name != "ttl_s"})
    events, told = tmp_path / "events.json", tmp_path / "told.json"
    events.write_text(schema(Part.EVENTS))
    told.write_text("\n".join(json.dumps(event) for event in (good, *broken)))
    fake = tmp_path / "earwitness"
    fake.write_text(f"#!/bin/sh\ncase $1 in schema) cat {events};; tail) cat {told};; esac\n")
    fake.chmod(0o755)
    run = subprocess.run(
        ["bash", str(installed.HERE / "shell" / "subscriber.sh")],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    topic = "speaker.verified.desk.anna"
    assert run.stdout.splitlines() == [f"event {topic} 31", f"invalid {topic}", f"invalid {topic}"]


def heard_until(last: str, subscriber: subprocess.Popen[str]) -> list[str]:
    assert subscriber.stdout is not None
    said: list[str] = []
    for line in subscriber.stdout:
        said.append(line.strip())
        if line.startswith(last):
            break
    return said


def somebody_else_subscribes(publisher: PublisherThread, endpoint: str) -> None:
    """Last values are said again, to everybody."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.connect(endpoint)
        socket.subscribe(b"speaker.")
        publisher.await_subscription("speaker.")
