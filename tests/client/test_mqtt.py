"""`earwitness mqtt` against a real mosquitto."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from earwitness.control import (
    AnyMethod,
    Groups,
    GroupState,
    ListGroups,
    ListProfiles,
    Problem,
    Profiles,
    ProfileSummary,
)
from earwitness.events import DaemonReloaded, DaemonStopping, ProfileDeleted, ProfileEnrolled, SpeechStarted

from .events import group_lost, group_verified, heartbeat, lost, stream_state, unknown, verified
from .fake_publisher import Answer, FakeControl, FakePublisher
from .mosquitto import Listener, Mosquitto, needs_mosquitto, self_signed
from .programs import Program, finished, refused

pytestmark = needs_mosquitto

NOBODY_ENROLLED = Profiles(model_id="m", profiles=[])


def people(*names: str) -> Profiles:
    made = [
        ProfileSummary(name=name, created="2026-11-20T08:00:00Z", exemplars=1, usable=1, speech_s=12.0)
        for name in names
    ]
    return Profiles(model_id="m", profiles=made)


def groups(**watched: bool) -> Groups:
    made = [
        GroupState(name=name, members=["anna"], watchlist=watchlist, ttl_s=5.0, llr_bound=None)
        for name, watchlist in watched.items()
    ]
    return Groups(groups=made)


def answer(method: AnyMethod, _attachment: bytes | None) -> Answer:
    match method:
        case ListProfiles():
            return people("anna", "bert")
        case ListGroups():
            return groups(family=False, barred=True)
        case _:
            return Problem(code="internal", message="")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as made:
        yield made


@pytest.fixture
def listener(mosquitto: Mosquitto) -> Iterator[Listener]:
    with Listener(mosquitto.port) as made:
        yield made


@pytest.fixture
def publisher(events_endpoint: str, control_endpoint: str) -> Iterator[FakePublisher]:
    with FakePublisher(events_endpoint) as made, FakeControl(control_endpoint, answer):
        made.publish(replace(heartbeat([stream_state("desk")]), ttl_s=600.0))
        yield made


def bridge(directory: Path, port: int, *more: str) -> Program:
    return Program(directory, "mqtt", "--host", "127.0.0.1", "--port", str(port), *more)


def test_home_assistant_finds_an_entity_for_each_stream_person_and_group(
    publisher: FakePublisher, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    with bridge(tmp_path, mosquitto.port):
        listener.until(earwitness__status="online", earwitness__stream__desk__status="online")
    configs = {topic: json.loads(text) for topic, text in listener.holds.items() if topic.endswith("/config")}
    assert sorted(topic.removeprefix("homeassistant/") for topic in configs) == [
        "binary_sensor/earwitness/daemon/config",
        "binary_sensor/earwitness/group_family_verified/config",
        "binary_sensor/earwitness/person_anna_verified/config",
        "binary_sensor/earwitness/person_bert_verified/config",
        "binary_sensor/earwitness/stream_desk_speech/config",
        "binary_sensor/earwitness/watchlist_barred_hit/config",
        "sensor/earwitness/stream_desk_level/config",
        "sensor/earwitness/stream_desk_speaker/config",
    ]
    assert len({config["unique_id"] for config in configs.values()}) == len(configs)
    told = set(listener.holds)
    for config in configs.values():
        assert config["state_topic"] in told
        assert {entry["topic"] for entry in config.get("availability", [])} <= told
    # Nobody may see an entity as available before it has its state.
    order = [topic for topic, _ in listener.history]
    online = listener.history.index(("earwitness/status", "online"))
    assert order.index("earwitness/stream/desk/speaker") < online


def test_who_speaks_is_told_and_kept_for_those_who_come_later(
    publisher: FakePublisher, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    with bridge(tmp_path, mosquitto.port):
        listener.until(earwitness__stream__desk__speaker="nobody", earwitness__stream__desk__level="-31")
        place = {"stream": "desk", "stream_id": "desk-1"}
        publisher.publish(SpeechStarted(start=0, stop=8000, **place), verified("anna", score=0.81, ttl_s=60))  # type: ignore[arg-type]  # mixed dict
        with Listener(mosquitto.port) as late:
            late.until(
                earwitness__stream__desk__speaker="anna",
                earwitness__stream__desk__speech="ON",
                earwitness__person__anna__verified="ON",
                earwitness__person__bert__verified="OFF",
            )
        listener.until(earwitness__person__anna__verified="ON")
        attributes = json.loads(listener.holds["earwitness/stream/desk/speaker/attributes"])
        assert (attributes["score"], attributes["assurance"]) == (0.81, "evidence")
        publisher.publish(unknown())
        listener.until(earwitness__stream__desk__speaker="unknown", earwitness__person__anna__verified="OFF")
        publisher.publish(lost(None))
        listener.until(earwitness__stream__desk__speaker="nobody")


def test_anyone_of_a_group_is_told_on_all_streams_together(
    publisher: FakePublisher, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    streams = [stream_state("desk"), stream_state("hall")]
    publisher.publish(replace(heartbeat(streams), ttl_s=600.0))
    with bridge(tmp_path, mosquitto.port):
        listener.until(earwitness__group__family__verified="OFF", earwitness__watchlist__barred__hit="OFF")
        publisher.publish(group_verified(ttl_s=60), group_verified("barred", ttl_s=60, watchlist=True))
        publisher.publish(group_verified(stream="hall", ttl_s=60))
        listener.until(earwitness__group__family__verified="ON", earwitness__watchlist__barred__hit="ON")
        publisher.publish(group_lost(), group_lost("barred", watchlist=True))
        listener.until(earwitness__watchlist__barred__hit="OFF")
        assert listener.holds["earwitness/group/family/verified"] == "ON"  # in the hall
        attributes = json.loads(listener.holds["earwitness/group/family/verified/attributes"])
        assert attributes["streams"] == ["hall"]
        assert attributes["heard"][0]["likeliest"] == "anna"
        assert attributes["assurance"] == "evidence"
        publisher.publish(group_lost(stream="hall"))
        listener.until(earwitness__group__family__verified="OFF")


def test_a_hit_that_nobody_restates_is_taken_back(
    publisher: FakePublisher, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    with bridge(tmp_path, mosquitto.port):
        listener.until(earwitness__status="online")
        publisher.publish(group_verified("barred", ttl_s=0.1, watchlist=True))
        listener.until(earwitness__watchlist__barred__hit="ON")
        listener.until(earwitness__watchlist__barred__hit="OFF")


def test_groups_come_go_and_become_watchlists(
    events_endpoint: str, control_endpoint: str, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    there = groups(family=False)

    def answering(method: AnyMethod, _attachment: bytes | None) -> Answer:
        return there if isinstance(method, ListGroups) else people("anna")

    with (
        FakePublisher(events_endpoint) as publisher,
        FakeControl(control_endpoint, answering),
        bridge(tmp_path, mosquitto.port),
    ):
        publisher.publish(replace(heartbeat([stream_state("desk")]), ttl_s=600.0))
        listener.until(earwitness__group__family__verified="OFF")
        there = groups(family=True, staff=False)
        publisher.publish(DaemonReloaded(profiles=1, changed=["decision.groups"], restart_needed=[]))
        listener.until(earwitness__watchlist__family__hit="OFF", earwitness__group__staff__verified="OFF")
        listener.until(
            earwitness__group__family__verified=None,
            homeassistant__binary_sensor__earwitness__group_family_verified__config=None,
        )


@pytest.mark.slow
def test_groups_of_which_we_are_not_told_are_shown_once_they_are_heard(
    events_endpoint: str, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    with FakePublisher(events_endpoint) as publisher, bridge(tmp_path, mosquitto.port) as program:
        program.says("which groups there are is not known")
        publisher.publish(heartbeat(), group_verified("barred", ttl_s=60, watchlist=True))
        listener.until(earwitness__watchlist__barred__hit="ON")


def test_a_verdict_that_nobody_restates_is_taken_back(
    publisher: FakePublisher, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    with bridge(tmp_path, mosquitto.port):
        listener.until(earwitness__status="online")
        publisher.publish(verified("anna", ttl_s=0.1))
        listener.until(earwitness__person__anna__verified="ON")
        listener.until(earwitness__person__anna__verified="OFF", earwitness__stream__desk__speaker="nobody")


def test_enrolling_and_deleting_changes_the_entities(
    publisher: FakePublisher, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    config = "homeassistant__binary_sensor__earwitness__person_{}_verified__config"
    with bridge(tmp_path, mosquitto.port):
        listener.until(earwitness__person__anna__verified="OFF")
        publisher.publish(ProfileEnrolled(speaker="cora", exemplars=1, speech_s=12.0))
        publisher.publish(ProfileDeleted(speaker="anna"))
        listener.until(earwitness__person__cora__verified="OFF", earwitness__person__anna__verified=None)
        listener.until(**{config.format("anna"): None})
        assert config.format("cora").replace("__", "/") in listener.holds


@pytest.mark.slow
def test_without_the_daemon_everything_is_unavailable_and_nothing_is_claimed(
    events_endpoint: str, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    with bridge(tmp_path, mosquitto.port) as program:
        with FakePublisher(events_endpoint) as publisher:
            publisher.publish(heartbeat(), verified("anna", ttl_s=60))
            listener.until(earwitness__status="online", earwitness__person__anna__verified="ON")
        listener.until(earwitness__status="offline")
        listener.until(earwitness__person__anna__verified=None, earwitness__stream__desk__speaker=None)
        with FakePublisher(events_endpoint) as publisher:
            publisher.publish(heartbeat())
            listener.until(earwitness__status="online", earwitness__stream__desk__speaker="nobody")
            publisher.publish(DaemonStopping(reason="SIGTERM"))
            listener.until(earwitness__status="offline")
        assert program.process.poll() is None


def test_a_killed_bridge_leaves_its_last_will_and_a_stopped_one_says_goodbye(
    publisher: FakePublisher, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    with bridge(tmp_path, mosquitto.port) as program:
        listener.until(earwitness__status="online")
        program.process.kill()
        listener.until(earwitness__status="offline")
        assert listener.holds["earwitness/stream/desk/speaker"] == "nobody"
    with bridge(tmp_path, mosquitto.port) as program:
        listener.until(earwitness__status="online")
        assert program.ended(signal.SIGTERM) == 0
        listener.until(earwitness__status="offline", earwitness__stream__desk__speaker=None)


def test_what_an_earlier_run_left_is_cleared_and_what_is_not_ours_stays(
    publisher: FakePublisher, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    ours = "homeassistant/binary_sensor/earwitness/person_zoe_verified/config"
    foreign = "homeassistant/binary_sensor/earwitness/doorbell/config"
    listener.publish("earwitness/person/zoe/verified", "ON")
    listener.publish("earwitness/door", "shut")
    listener.publish(ours, '{"unique_id":"x","origin":{"name":"earwitness"}}')
    listener.publish(foreign, "{}")
    with bridge(tmp_path, mosquitto.port):
        listener.until(earwitness__status="online", earwitness__person__anna__verified="OFF")
        listener.until(earwitness__person__zoe__verified=None, **{ours.replace("/", "__"): None})
    assert listener.holds["earwitness/door"] == "shut"
    assert listener.holds[foreign] == "{}"


def test_a_broker_that_comes_back_empty_is_told_everything_again(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    broker = Mosquitto(tmp_path)
    with bridge(tmp_path, broker.port, "--prefix", "flat/ears", "--discovery", "") as program:
        program.says("no broker answers there; trying again")
        publisher.publish(verified("anna", ttl_s=60))
        for _ in range(2):
            with broker:
                program.says("connected to the broker")
                with Listener(broker.port) as listener:
                    listener.until(flat__ears__status="online", flat__ears__stream__desk__speaker="anna")
                assert not [topic for topic in listener.holds if topic.endswith("/config")]
            program.says("trying again")


def test_a_wrong_password_is_one_clear_line_and_the_right_one_works(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    with Mosquitto(tmp_path, password="s3cret") as broker:
        where = ["mqtt", "--host", "127.0.0.1", "--port", str(broker.port)]
        result = finished(tmp_path, *where)
        assert result.returncode == 1
        assert "refuses us: Not authorized" in result.stderr.splitlines()[-1]
        password.write_text("s3cret\n")
        credentials = ["--username", "home", "--password-file", str(password)]
        with (
            bridge(tmp_path, broker.port, *credentials),
            Listener(broker.port, password="s3cret") as listener,
        ):
            listener.until(earwitness__status="online")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_over_tls_a_broker_that_nobody_vouches_for_gets_nothing(
    publisher: FakePublisher, tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path)
    with Mosquitto(tmp_path, certificate=certificate) as broker:
        with bridge(tmp_path, broker.port, "--tls") as program:
            program.says("or its certificate is not accepted")
        with bridge(tmp_path, broker.port, "--ca-file", str(certificate)) as program:
            program.says("connected to the broker")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prefix", "a/#"], "without + and #"),
        (["--password-file", "/dev/null"], "holds no password"),
    ],
)
def test_wrong_usage_is_named(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    status, told = refused(capsys, "mqtt", *arguments)
    assert status == 1
    assert message in told


def test_without_the_extra_it_says_how_to_get_it() -> None:
    program = "import sys; sys.modules['paho'] = None; from earwitness.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "mqtt"], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 2
    assert result.stderr == "earwitness: this needs the extra mqtt: pip install 'earwitness[mqtt]'\n"
