from __future__ import annotations

import pytest

from earwitnessd.capture.devices import Device, find_device
from earwitnessd.capture.microphone import ladder
from earwitnessd.capture.source import SourceEndedError


def device(
    index: int, name: str, *, channels: int = 2, rate: int = 44_100, is_default: bool = False
) -> Device:
    return Device(
        index=index, name=name, host_api="ALSA", channels=channels, rate=rate, is_default=is_default
    )


ATTIC = [
    device(0, "HDA Intel PCH: ALC257 Analog (hw:0,0)"),
    device(3, "Jabra Evolve 20: USB Audio (hw:1,0)"),
    device(4, "Jabra Speak 410: USB Audio (hw:2,0)", is_default=True),
    device(7, "jabra"),
]


def test_a_device_is_found_by_index_by_name_and_as_the_default() -> None:
    assert find_device(ATTIC, 3).index == 3
    assert find_device(ATTIC, "evolve").index == 3
    assert find_device(ATTIC, "default").index == 4


def test_a_whole_name_wins_over_parts() -> None:
    assert find_device(ATTIC, "Jabra").index == 7


def test_an_ambiguous_name_lists_those_that_match() -> None:
    with pytest.raises(
        LookupError, match=r"2 capture devices match.*3: 'Jabra Evolve.*4: 'Jabra Speak"
    ) as refused:
        find_device(ATTIC, "USB")
    assert "Intel" not in str(refused.value)


@pytest.mark.parametrize("wanted", ["Blue Yeti", 5])
def test_an_absent_device_lists_what_there_is(wanted: str | int) -> None:
    with pytest.raises(LookupError, match=r"no such capture device; there is 0: 'HDA.*7: 'jabra'"):
        find_device(ATTIC, wanted)


def test_no_device_at_all_says_what_to_look_at() -> None:
    with pytest.raises(LookupError, match="sound server"):
        find_device([], "default")


def test_the_only_device_is_the_default() -> None:
    assert find_device([device(2, "one")], "default").index == 2


def test_native_rate_and_two_channels_are_tried_first() -> None:
    steps = ladder(device(0, "pulse", channels=32), "mix")
    assert steps[0] == (44_100, 2)
    assert (16_000, 1) in steps
    assert len(steps) == len(set(steps))


def test_a_high_channel_opens_as_many_as_it_needs() -> None:
    assert ladder(device(0, "array", channels=8), 5)[:2] == [(44_100, 6), (44_100, 8)]


def test_a_mono_device_is_opened_mono() -> None:
    assert {channels for _, channels in ladder(device(0, "headset", channels=1), "mix")} == {1}


def test_a_channel_that_the_device_has_not_is_refused() -> None:
    with pytest.raises(SourceEndedError, match=r"channel 2 of 'headset': it has 1"):
        ladder(device(0, "headset", channels=1), 2)
