"""What of new settings is put into force, and what waits for a restart."""

from __future__ import annotations

from earwitnessd.service.reloading import Reloading
from earwitnessd.settings.root import Decision, Settings, Windows
from earwitnessd.settings.sources import Pipe


def test_decision_and_streams_are_taken_over_and_the_rest_is_named() -> None:
    old = Settings()
    new = Settings(decision=Decision(ttl_s=9.0), streams={"line": Pipe()}, windows=Windows(hop_s=1.0))
    reloading = Reloading.plan(old, new)
    assert reloading.settings == Settings(decision=new.decision, streams=new.streams)
    assert sorted(reloading.changed) == ["decision", "streams.line", "streams.mic"]
    assert reloading.restart_needed == ("windows",)
    assert "restart needed for windows" in str(reloading)


def test_what_waits_for_a_restart_is_named_again_at_the_next_reload() -> None:
    new = Settings(windows=Windows(hop_s=1.0))
    first = Reloading.plan(Settings(), new)
    assert Reloading.plan(first.settings, new).restart_needed == ("windows",)


def test_the_same_settings_change_nothing() -> None:
    reloading = Reloading.plan(Settings(), Settings())
    assert (reloading.changed, reloading.restart_needed) == ((), ())
    assert str(reloading) == "no setting changed"
