"""A replay is deterministic: exactly on one machine, to the last digits on any."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.copying import copy_profiles
from earwitnessd.replay.play import stream_names
from tests.golden.making import CLEARANCE, GOLDEN, TOLERANCE, Line, Set, clearance, conversation, events_of
from tests.models import making
from tests.profiles.making import exemplar, voice

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


def test_a_second_replay_gives_exactly_the_same_events_and_changes_no_profile(
    tiny: Set, replayed: list[Line]
) -> None:
    before = {file.name: file.read_bytes() for file in tiny.profiles.parent.glob("profiles.db*")}
    again = tiny.replay("--json", conversation())
    assert events_of(again.stdout) == replayed
    assert {file.name: file.read_bytes() for file in tiny.profiles.parent.glob("profiles.db*")} == before
    assert "tiny@" in again.stderr
    assert "2 enrolled" in again.stderr


def test_replayed_events_are_numbered_without_a_gap(replayed: list[Line]) -> None:
    assert [event["seq"] for event in replayed] == list(range(1, len(replayed) + 1))
    assert {event["stream_id"] for event in replayed} == {"replay-conversation-1"}


def test_recordings_are_heard_one_after_the_other_and_a_bad_one_is_named(tmp_path: Path) -> None:
    model = making.write_model(tmp_path / "tiny")
    (model / "earwitness.json").write_text('{"name": "tiny", "threshold": 0.0}', encoding="utf-8")
    (tmp_path / "broken.wav").write_text("this is no sound", encoding="utf-8")
    for name, seconds in (("one.wav", 4), ("two.flac", 5)):
        soundfile.write(tmp_path / name, np.zeros(8000 * seconds, dtype=np.float32), 8000)
    replay = Set(model, tmp_path / "nobody.db")
    replay.profiles.write_bytes(b"")
    files = [str(tmp_path / name) for name in ("one.wav", "broken.wav", "two.flac")]
    done = replay.replay(*files)
    assert done.returncode == 1
    assert "broken.wav: not audio that can be read" in " ".join(done.stderr.split())
    assert "nobody is enrolled" in done.stderr
    told = [line.split()[2:4] for line in done.stdout.splitlines()]
    assert [line for line in told if line[0].startswith("stream.")] == [
        ["stream.opened", "one"],
        ["stream.lost", "one"],
        ["stream.lost", "broken"],
        ["stream.opened", "two"],
        ["stream.lost", "two"],
    ]
    assert "     5.00 s  stream.lost      two ended: end of file" in done.stdout


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
    copied = ProfileStore(copy)
    assert [person.name for person in copied.profiles()] == ["anna"]
    copied.close()
    assert sqlite3.connect(original).execute("SELECT count(*) FROM person").fetchone() == (1,)


def test_of_no_profiles_no_copy_is_made(tmp_path: Path) -> None:
    copy_profiles(tmp_path / "none.db", tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []
