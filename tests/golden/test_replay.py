"""A replay is deterministic: exactly on one machine, to the last digits on any."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from earwitness.events import StreamEvent, decode
from earwitnessd.cli.replay import in_words
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.copying import copy_profiles
from earwitnessd.replay.play import stream_names
from earwitnessd.templates.key_file import KeyPlace
from tests.golden.making import CLEARANCE, GOLDEN, TOLERANCE, Line, Set, clearance, conversation, events_of
from tests.profiles.making import exemplar, voice


@dataclass(frozen=True, slots=True)
class Again:
    """What a second replay gave."""

    status: int
    stderr: str
    first: list[Line]
    # of the recording that was replayed before
    rest: list[Line]


pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Set:
    return Set.make(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def replayed(tiny: Set) -> list[Line]:
    done = tiny.replay("--json", conversation())
    assert done.returncode == 0, done.stderr
    return events_of(done.stdout)


def approximately(value: Any) -> Any:
    """Numbers with room for another processor's rounding, everything else as it is."""
    if isinstance(value, dict):
        return {key: approximately(each) for key, each in value.items()}
    if isinstance(value, list):
        return [approximately(each) for each in value]
    return pytest.approx(value, rel=0, abs=TOLERANCE) if isinstance(value, float) else value


def test_a_replay_gives_the_golden_events(replayed: list[Line]) -> None:
    golden = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    assert [event["type"] for event in replayed] == [event["type"] for event in golden]
    for event, expected in zip(replayed, golden, strict=True):
        assert event == approximately(expected)


def test_no_golden_decision_hangs_by_a_rounding_error(replayed: list[Line]) -> None:
    assert clearance(replayed) > CLEARANCE - TOLERANCE


@pytest.fixture(scope="module")
def again(tiny: Set, replayed: list[Line], tmp_path_factory: pytest.TempPathFactory) -> Again:
    """The same once more, and other recordings behind it."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "broken.wav").write_text("this is no sound", encoding="utf-8")
    soundfile.write(folder / "short.flac", np.zeros(5 * 8000, dtype=np.float32), 8000)
    before = profile_files(tiny)
    files = [conversation(), *(str(folder / name) for name in ("broken.wav", "short.flac"))]
    done = tiny.replay("--json", *files)
    assert profile_files(tiny) == before  # it is a copy that is used
    events = events_of(done.stdout)
    return Again(done.returncode, done.stderr, events[: len(replayed)], events[len(replayed) :])


def profile_files(tiny: Set) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in tiny.profiles.parent.glob("profiles.db*")}


def test_a_second_replay_gives_exactly_the_same_events(again: Again, replayed: list[Line]) -> None:
    assert again.first == replayed


def test_a_replay_says_by_which_model_and_of_how_many_people(again: Again) -> None:
    assert again.stderr.startswith("tiny@")
    assert "2 enrolled" in again.stderr


def test_replayed_events_are_numbered_without_a_gap(replayed: list[Line]) -> None:
    assert [event["seq"] for event in replayed] == list(range(1, len(replayed) + 1))
    assert {event["stream_id"] for event in replayed} == {"replay-conversation-1"}


def test_recordings_are_heard_one_after_the_other_and_a_bad_one_is_named(again: Again) -> None:
    assert again.status == 1
    assert "broken.wav: not audio that can be read" in " ".join(again.stderr.split())
    told = [(event["type"], event["stream"]) for event in again.rest]
    assert [each for each in told if each[0].startswith("stream.")] == [
        ("stream.lost", "broken"),
        ("stream.opened", "short"),
        ("stream.lost", "short"),
    ]
    assert (again.rest[-1]["reason"], again.rest[-1]["stop"]) == ("end of file", 5 * 16_000)


def test_in_words_an_event_is_a_line_with_its_position(capsys: pytest.CaptureFixture[str]) -> None:
    show = in_words()
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        event = decode(without_latency(line))
        assert isinstance(event, StreamEvent)
        show(event)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("     0.00 s  stream.opened    conversation opened: conversation.ogg, 16000 Hz")
    assert said[-1].startswith("    65.84 s  stream.lost      conversation ended: end of file")


def without_latency(line: str) -> bytes:
    """A golden line with the field that decoding wants."""
    nothing = dict.fromkeys(("capture", "queue", "embed", "decide", "total"), 0.0)
    return json.dumps({**json.loads(line), "latency_ms": nothing}).encode()


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["no-such.wav"], 2, "no-such.wav: there is no such file"),
        (["--set", "windows.hop_s=0", conversation()], 3, "windows.hop_s = 0: must be"),
        (["--set", "model=no/such", conversation()], 3, "earwitnessd model pull no/such"),
    ],
)
def test_what_cannot_be_replayed_says_why(tiny: Set, arguments: list[str], status: int, why: str) -> None:
    done = tiny.replay(*arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert why in done.stderr


def test_streams_are_called_after_their_files_and_none_twice() -> None:
    files = [Path(name) for name in ("a b.wav", "x/talk.wav", "y/talk.flac", "-.ogg", "é" * 40 + ".wav")]
    assert stream_names(files) == ["a_b", "talk", "talk-2", "recording", "_" * 32]


def test_profiles_are_copied_with_what_is_not_yet_folded_into_the_file(tmp_path: Path) -> None:
    original, copy = tmp_path / "profiles.db", tmp_path / "copy.db"
    store = ProfileStore(original)
    store.add("anna", exemplar(voice(1)))
    assert Path(f"{original}-wal").stat().st_size > 0
    copy_profiles(original, copy)
    store.close()
    copied = ProfileStore(copy, key=KeyPlace.find("auto", original))
    assert [person.name for person in copied.profiles()] == ["anna"]
    copied.close()
    assert sqlite3.connect(original).execute("SELECT count(*) FROM person").fetchone() == (1,)


def test_of_no_profiles_no_copy_is_made(tmp_path: Path) -> None:
    copy_profiles(tmp_path / "none.db", tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []
