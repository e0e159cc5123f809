"""Streams that come and go by request are checked like those of the settings file."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from earwitnessd.service.guests import GuestError, Guests
from earwitnessd.settings.root import Settings, Windows
from earwitnessd.settings.sources import FileReplay, Microphone, Pipe

SETTINGS = Settings(streams={"desk": Microphone(device=2)}, windows=Windows(hop_s=1.0))
FILE = {"source": "file", "path": "/srv/lobby.wav", "loop": True}


def test_a_guest_changes_nothing_but_the_streams() -> None:
    wider = Guests().add(SETTINGS, "lobby", FILE)
    assert wider.streams == {
        "desk": Microphone(device=2),
        "lobby": FileReplay(path="/srv/lobby.wav", loop=True),
    }
    assert msgspec.structs.replace(wider, streams=SETTINGS.streams) == SETTINGS


@pytest.mark.parametrize(
    ("name", "source", "code", "said"),
    [
        ("desk", FILE, "conflict", "there is a stream 'desk' already"),
        ("a b", FILE, "bad_request", "1 to 32 letters"),
        ("lobby", {"source": "file"}, "bad_request", "streams.lobby.path"),
        ("lobby", {"source": "radio"}, "bad_request", "streams.lobby.source"),
        ("lobby", {**FILE, "lop": True}, "bad_request", "did you mean 'loop'"),
        ("lobby", {"source": "pipe", "rate": "fast"}, "bad_request", "streams.lobby.rate"),
        ("lobby", {"source": "network"}, "bad_request", "satellites"),
    ],
)
def test_what_cannot_be_added_is_refused_as_in_the_settings_file(
    name: str, source: dict[str, Any], code: str, said: str
) -> None:
    guests = Guests()
    with pytest.raises(GuestError) as caught:
        guests.add(SETTINGS, name, source)
    assert caught.value.code == code
    assert said in str(caught.value)
    assert guests.seated(SETTINGS) == SETTINGS


def test_only_one_stream_can_read_standard_input() -> None:
    guests = Guests()
    wider = guests.add(SETTINGS, "line", {"source": "pipe"})
    assert wider.streams["line"] == Pipe()
    with pytest.raises(GuestError, match="both read standard input"):
        guests.add(wider, "other", {"source": "pipe"})


def test_guests_survive_a_reload_and_what_was_removed_comes_back_with_it() -> None:
    guests = Guests()
    wider = guests.add(SETTINGS, "lobby", FILE)
    without = guests.remove(wider, "desk")
    assert list(without.streams) == ["lobby"]
    assert guests.seated(SETTINGS) == wider
    named = msgspec.structs.replace(SETTINGS, streams={"lobby": Microphone()})
    assert guests.seated(named) == named
    assert guests.seated(SETTINGS) == SETTINGS


def test_the_only_stream_and_an_unknown_one_cannot_be_removed() -> None:
    with pytest.raises(GuestError, match="the only stream"):
        Guests().remove(SETTINGS, "desk")
    with pytest.raises(GuestError, match="there is no stream 'dek'; there are: desk"):
        Guests().remove(SETTINGS, "dek")
