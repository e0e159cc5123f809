"""Every wrong setting is named with its path, its value and what is allowed."""

from __future__ import annotations

import msgspec
import pytest

from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import FileReplay, Microphone, Pipe
from earwitnessd.settings.validate import SettingsError, to_settings


def complaint(tree: object) -> str:
    with pytest.raises(SettingsError) as refused:
        to_settings(tree, Settings)
    return str(refused.value)


def test_nothing_set_gives_the_defaults() -> None:
    settings = to_settings({}, Settings)
    assert settings == Settings()
    assert settings.streams == {"mic": Microphone()}
    assert (settings.windows.length_s, settings.windows.hop_s) == (3.0, 0.5)


@pytest.mark.parametrize(
    ("tree", "path", "hint"),
    [
        ({"strems": {}}, "strems", "did you mean 'streams'?"),
        ({"windows": {"hop": 1}}, "windows.hop", "did you mean 'hop_s'?"),
        ({"streams": {"desk": {"source": "microphone", "chanel": 1}}}, "streams.desk.chanel", "'channel'"),
        ({"sockets": {"curve": {"subscriber": "d"}}}, "sockets.curve.subscriber", "'subscribers'"),
        ({"windows": {3: 4}}, "windows.3", "known here: hop_s, length_s"),
        ({"quality": {"zzzz": 4}}, "quality.zzzz", "known here: channel_mismatch, max_clipped, min_snr_db"),
        ({"source": "microphone"}, "source", "unknown key"),
    ],
)
def test_an_unknown_key_at_any_depth_is_named_with_the_nearest_known_one(
    tree: dict[str, object], path: str, hint: str
) -> None:
    said = complaint(tree)
    assert said.startswith(f"{path}: unknown key; ")
    assert hint in said


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"model": 3}, "model = 3: must be text"),
        ({"log_level": "loud"}, "log_level = 'loud': must be one of debug, error, info, warning"),
        ({"windows": {"hop_s": "fast"}}, "windows.hop_s = 'fast': must be a number at least 0.05"),
        ({"windows": {"hop_s": 0}}, "windows.hop_s = 0: must be a number at least 0.05 and at most 20.0"),
        ({"windows": {"hop_s": float("nan")}}, "windows.hop_s = nan: must be a number at least 0.05"),
        ({"windows": {"hop_s": float("inf")}}, "windows.hop_s = inf: must be a number at least 0.05"),
        ({"engine": {"max_lag_s": 0}}, "engine.max_lag_s = 0: must be a number above 0.0 and at most 60.0"),
        (
            {"engine": {"threads": 1.5}},
            "engine.threads = 1.5: must be a whole number at least 0 and at most 256",
        ),
        ({"engine": {"threads": True}}, "engine.threads = True: must be a whole number"),
        ({"sockets": {"insecure": "no"}}, "sockets.insecure = 'no': must be true or false"),
        ({"sockets": {"group": 5}}, "sockets.group = 5: must be text or empty"),
        ({"sockets": {"curve": 5}}, "sockets.curve = 5: must be a group of settings"),
        ({"windows": 3}, "windows = 3: must be a group of settings (key: value)"),
        ({"streams": []}, "streams = []: must be a group of settings (key: value)"),
        ({"sockets": {"curve": {}}}, "sockets.curve.secret_key_file is missing"),
        ({"streams": {"a": {"source": "file"}}}, "streams.a.path is missing"),
        ([], "the file = []: must be a group of settings (key: value)"),
    ],
)
def test_a_wrong_value_is_shown_with_its_path_and_what_is_allowed(tree: object, said: str) -> None:
    assert complaint(tree).startswith(said)


@pytest.mark.parametrize("threshold", [-1, 0.62, 1.0, "auto"])
def test_a_threshold_is_a_cosine_or_auto(threshold: float | str) -> None:
    assert to_settings({"decision": {"threshold": threshold}}, Settings).decision.threshold == threshold


@pytest.mark.parametrize("threshold", [-1.1, 2, "high", None, True, [0.5]])
def test_any_other_threshold_is_refused_with_both_forms(threshold: object) -> None:
    said = complaint({"decision": {"threshold": threshold}})
    assert said.startswith(f"decision.threshold = {threshold!r}: must be ")
    assert "a number at least -1.0 and at most 1.0" in said
    assert "'auto'" in said


@pytest.mark.parametrize("channel", ["mix", 0, 63])
def test_a_channel_is_mix_or_a_number(channel: int | str) -> None:
    tree = {"streams": {"desk": {"source": "microphone", "channel": channel}}}
    assert to_settings(tree, Settings).streams["desk"].channel == channel


@pytest.mark.parametrize("channel", [-1, 64, "left", 0.5])
def test_any_other_channel_is_refused_with_both_forms(channel: object) -> None:
    said = complaint({"streams": {"desk": {"source": "microphone", "channel": channel}}})
    assert said.startswith(f"streams.desk.channel = {channel!r}: must be ")
    assert "'mix'" in said
    assert "a whole number at least 0 and below 64" in said


def test_the_source_tag_picks_the_kind_of_stream() -> None:
    tree = {
        "streams": {
            "desk": {"source": "microphone", "device": 2},
            "tape": {"source": "file", "path": "a.wav", "loop": True},
            "line": {"source": "pipe", "format": "f32le"},
        }
    }
    assert to_settings(tree, Settings).streams == {
        "desk": Microphone(device=2),
        "tape": FileReplay(path="a.wav", loop=True),
        "line": Pipe(format="f32le"),
    }


@pytest.mark.parametrize("stream", [{"device": 1}, {"source": None}])
def test_a_missing_source_is_asked_for_with_the_kinds_there_are(stream: dict[str, object]) -> None:
    said = complaint({"streams": {"desk": stream}})
    assert said == "streams.desk.source is missing: must be one of microphone, file, pipe, network"


@pytest.mark.parametrize("source", ["mic", 3, ["microphone"], {"microphone": {}}])
def test_an_unknown_source_is_refused_with_the_kinds_there_are(source: object) -> None:
    said = complaint({"streams": {"desk": {"source": source}}})
    assert said == f"streams.desk.source = {source!r}: must be one of microphone, file, pipe, network"


def test_a_setting_of_another_source_is_unknown() -> None:
    assert complaint({"streams": {"tape": {"source": "file", "path": "x", "device": 1}}}).startswith(
        "streams.tape.device: unknown key"
    )


@pytest.mark.parametrize("name", ["a b", "", "ünder", "a.b", "-a", "a" * 33, "desk\n", 1, True, None])
def test_a_stream_name_that_cannot_be_part_of_a_topic_is_refused(name: object) -> None:
    said = complaint({"streams": {name: {"source": "microphone"}}})
    assert said == f"streams.{name}: the name must be text of 1 to 32 letters, digits, _ and -"


@pytest.mark.parametrize("name", ["a", "a" * 32, "_", "9", "Desk-2_left"])
def test_a_stream_name_of_letters_and_digits_is_taken(name: str) -> None:
    assert [*to_settings({"streams": {name: {"source": "microphone"}}}, Settings).streams] == [name]


def test_a_rule_between_two_settings_of_a_group_is_told_with_its_path_too() -> None:
    said = complaint({"speech_gate": {"threshold": 0.2}})
    assert said == "speech_gate.stop_threshold = 0.35: must not be above threshold = 0.2"


def test_every_default_lies_in_its_own_range() -> None:
    assert to_settings(msgspec.to_builtins(Settings()), Settings) == Settings()
