"""The file over the defaults, `--set` over the file, and what fits together."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from earwitnessd.settings.load import differences, dump, load
from earwitnessd.settings.root import Curve, Decision, Engine, Quality, Settings, Sockets, Windows
from earwitnessd.settings.sources import FileReplay, Microphone, Pipe
from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.settings.validate import SettingsError

TWO_PIPES = """
streams:
  left: {source: pipe}
  right: {source: pipe}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "earwitnessd.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def complaint(folder: Path, text: str, *overrides: str) -> str:
    file = written(folder, text)
    with pytest.raises(SettingsError) as refused:
        load(file, overrides)
    assert str(file) in str(refused.value)
    return str(refused.value)


def refusal(*overrides: str) -> str:
    with pytest.raises(SettingsError) as refused:
        load(None, overrides)
    return str(refused.value)


def test_without_a_file_the_defaults_are_in_force() -> None:
    assert load(None) == Settings()


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text)) == Settings()


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "windows: {hop_s: 0.25}\nlog_level: debug\n"))
    assert settings == Settings(windows=Windows(hop_s=0.25), log_level="debug")


def test_an_override_wins_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "windows: {hop_s: 0.25, length_s: 2}\n")
    settings = load(file, ["windows.hop_s=1", "model=/opt/model", "streams.line.source=pipe"])
    assert settings.windows == Windows(hop_s=1.0, length_s=2.0)
    assert settings.model == "/opt/model"
    assert settings.streams == {"line": Pipe()}


def test_an_override_may_hold_a_whole_group_and_an_equals_sign() -> None:
    settings = load(None, ["streams={tape: {source: file, path: 'a=b.wav'}}", "profiles=x=y"])
    assert settings.streams == {"tape": FileReplay(path="a=b.wav")}
    assert settings.profiles == "x=y"


def test_the_last_of_two_overrides_wins() -> None:
    assert load(None, ["model=a", "model=b"]).model == "b"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("windows.hop_s", "--set windows.hop_s: must be KEY=VALUE, such as windows.hop_s=0.25"),
        ("=3", "--set =3: must be KEY=VALUE"),
        ("model=[", "--set model=[: the value is not YAML"),
        ("model=2024-13-45", "--set model=2024-13-45: the value is not YAML: month must be in 1..12"),
        (
            "windows={hop_s: 1, hop_s: 2}",
            "--set windows={hop_s: 1, hop_s: 2}: line 1: 'hop_s' is given twice",
        ),
        ("windows.hop=1", "windows.hop: unknown key; did you mean 'hop_s'?"),
        ("windows.hop_s=", "windows.hop_s = None: must be a number"),
        ("windows.hop_s.x=1", "windows.hop_s = {'x': 1}: must be a number"),
    ],
)
def test_a_wrong_override_is_refused_in_its_own_words(override: str, said: str) -> None:
    assert refusal(override).startswith(said)


def test_an_override_below_a_plain_value_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "model: a\n")
    with pytest.raises(SettingsError, match=r"--set model\.name=b: model is not a group of settings"):
        load(file, ["model.name=b"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    with pytest.raises(SettingsError) as refused:
        load(missing)
    assert str(refused.value) == f"{missing}: there is no such file"


def test_a_directory_and_a_binary_are_not_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(binary)


@pytest.mark.parametrize(
    "text",
    ["windows: [", "a: b: c", "\x00", "model: 2024-13-45", "model: " + "[" * 5000, "model: !!python x"],
)
def test_what_is_not_yaml_is_refused(tmp_path: Path, text: str) -> None:
    assert "is not YAML" in complaint(tmp_path, text)


@pytest.mark.parametrize(("text", "kind"), [("- a\n- b\n", "list"), ("just words", "str"), ("3", "int")])
def test_what_is_not_a_mapping_is_refused(tmp_path: Path, text: str, kind: str) -> None:
    assert f"holds {kind}, expected settings (key: value)" in complaint(tmp_path, text)


def test_a_key_given_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    text = "windows:\n  hop_s: 0.5\n  length_s: 3\n  hop_s: 0.25\n"
    assert "line 4: 'hop_s' is given twice" in complaint(tmp_path, text)
    assert "line 2: 'model' is given twice" in complaint(tmp_path, "model: a\nmodel: a\n")


def test_a_key_that_is_a_list_is_refused_with_its_line(tmp_path: Path) -> None:
    assert "line 2: ['a'] cannot be a key" in complaint(tmp_path, "model: x\n? [a]\n: 1\n")


def test_streams_may_share_settings_by_a_merge_key(tmp_path: Path) -> None:
    text = """
streams:
  left: &desk {source: microphone, device: USB, channel: 0}
  right: {<<: *desk, channel: 1}
"""
    settings = load(written(tmp_path, text))
    assert settings.streams["right"] == Microphone(device="USB", channel=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("windows: {hop_s: 2, length_s: 1}", "windows.hop_s = 2.0: must be at most windows.length_s (1.0)"),
        (
            "windows: {length_s: 0.6}",
            "speech_gate.min_speech_s = 1.0: must be at most windows.length_s (0.6)",
        ),
        (
            "windows: {hop_s: 1}\ndecision: {ttl_s: 1.5}",
            "decision.ttl_s = 1.5: must be at least twice windows.hop_s",
        ),
        ("streams: {}", "streams = {}: name at least one stream"),
        (TWO_PIPES, "streams left and right both read standard input: only one can"),
        (
            "streams: {tape: {source: file, path: '-'}}",
            "streams.tape.path = '-': standard input takes raw PCM",
        ),
        ("sockets: {events: 'udp://x'}", "sockets.events = 'udp://x': must be auto, ipc://PATH or tcp://"),
        ("sockets: {control: 'inproc://x'}", "sockets.control = 'inproc://x': must be auto"),
        ("sockets: {events: 'tcp://*:7001'}", "sockets.events = 'tcp://*:7001': tcp needs sockets.curve"),
        ("sockets: {control: 'tcp://*:7001'}", "sockets.control = 'tcp://*:7001': tcp needs sockets.curve"),
        (
            "sockets: {events: 'ipc:///run/x', control: 'ipc:///run/x'}",
            "sockets.control = 'ipc:///run/x': must differ from sockets.events",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in complaint(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "windows: {hop_s: 3, length_s: 3}",
        "windows: {hop_s: 1}\ndecision: {ttl_s: 2}",
        "streams: {line: {source: pipe}, other: {source: pipe, path: /run/fifo}}",
        "sockets: {events: 'tcp://*:7001', insecure: true}",
        "sockets: {events: 'ipc:///run/a', control: 'ipc:///run/b'}",
        "sockets: {events: 'tcp://*:1', curve: {secret_key_file: a, subscribers: b, controllers: c}}",
    ],
)
def test_settings_at_the_edge_of_what_fits_are_taken(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text)) != Settings()


EVERYTHING = Settings(
    model="/opt/a model",
    streams={
        "9": Microphone(device=3, channel=1, label="on", paused=True, stall_after_s=1.5),
        "tape": FileReplay(path="ä: b.wav", pace="fast", loop=True),
        "no": Pipe(path="/run/fifo", rate=44100, channels=2, format="s32le"),
    },
    engine=Engine(device="cuda:1", threads=4, max_lag_s=1.0),
    windows=Windows(length_s=2.0, hop_s=0.25),
    speech_gate=SpeechGateSettings(type="energy", threshold=0.6),
    quality=Quality(max_clipped=0.5, min_snr_db=-3.0),
    decision=Decision(threshold=0.5, ttl_s=2.0),
    sockets=Sockets(
        events="tcp://*:7001",
        control="tcp://*:7002",
        group="earwitness",
        curve=Curve(secret_key_file="a", subscribers="b", controllers="c"),
    ),
    profiles="/var/x.db",
    log_level="warning",
)


@pytest.mark.parametrize("settings", [Settings(), EVERYTHING])
def test_what_is_dumped_loads_as_the_same_settings(tmp_path: Path, settings: Settings) -> None:
    assert load(written(tmp_path, dump(settings))) == settings


def test_differences_name_groups_and_single_streams() -> None:
    old = Settings(streams={"kept": Microphone(), "changed": Microphone(device=1), "gone": Microphone()})
    new = msgspec.structs.replace(
        old,
        streams={"kept": Microphone(), "changed": Microphone(device=2), "new": Microphone()},
        decision=Decision(ttl_s=9.0),
        model="other",
    )
    assert sorted(differences(old, new)) == [
        "decision",
        "model",
        "streams.changed",
        "streams.gone",
        "streams.new",
    ]
    assert differences(new, new) == []


def test_a_group_with_nothing_in_it_means_its_defaults(tmp_path: Path) -> None:
    file = tmp_path / "daemon.yaml"
    file.write_text("windows:\n#  hop_s: 0.25\ndecision:\n", encoding="utf-8")
    assert load(file) == load(None)
