"""Whether the daemon can be heard."""

from __future__ import annotations

from earwitness.notices import Connected, Disconnected
from earwitness.subscription import Link


def test_a_link_says_each_change_once() -> None:
    link = Link("ipc://x")
    assert isinstance(link.on_disconnected("nobody there"), Disconnected)
    assert link.on_disconnected("nobody there") is None
    assert link.on_connected(1.0) == Connected(endpoint="ipc://x")
    assert link.on_heard(2.0) is None
    assert isinstance(link.on_disconnected("broke"), Disconnected)


def test_silence_beyond_the_time_to_live_is_a_lost_daemon_though_connected() -> None:
    link = Link("ipc://x", silence_s=3.0)
    link.on_connected(10.0)
    assert link.patience_s(11.0) == 2.0
    assert link.on_quiet(12.9) is None
    gone = link.on_quiet(13.0)
    assert gone is not None
    assert "nothing heard for 3 s" in gone.reason
    assert link.patience_s(14.0) is None
    assert link.on_heard(20.0) == Connected(endpoint="ipc://x")


def test_leftovers_of_a_broken_connection_do_not_make_it_up_again() -> None:
    link = Link("ipc://x")
    link.on_connected(1.0)
    link.on_disconnected("broke")
    assert link.on_heard(1.1) is None
    assert link.up is False
