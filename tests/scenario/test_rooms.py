"""Three rooms, one daemon, one cluster: whatever is cut or killed comes back, and no sample goes untold."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from dataclasses import field as made
from pathlib import Path

import pytest

from earwitness.events import DaemonStarted, EngineDegraded, EngineRestored, Heartbeat, WindowScored
from earwitness.notices import Missed, Restarted
from earwitnessd.demo.conversation import FOLDER
from earwitnessd.satellite.link import WINDOW
from tests import networks
from tests.faults.figures import Figure, Figures, table
from tests.networks import Cable, Switch
from tests.satellite.field import Field, endless
from tests.serving.cluster import Head, Serving

from .account import Account, Opening, accounts, jumps
from .known import RATE, Known
from .witness import Witness

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

CUT_S = 20.0
BUFFERS_S = {"desk": 60.0, "kitchen": 60.0, "hall": 6.0}
# the hall's is shorter than the cut
SHORT = "hall"
BEGIN_S = {"desk": 0.0, "kitchen": 10.0, "hall": 20.0}
# each plays another part of the same conversation
PLAYED_S = 31.0
BLOCK_S = 0.25
SAID_EVERY_S = 1.0
# where the daemon is in each stream
FOUND_AGAIN_S = 8.0
# at most, once the cable is back
WINDOW_SAMPLES, HOP_SAMPLES = 3 * RATE, RATE // 2
LEVEL_WITHIN_DB = 0.01
BACK_WITHIN_S = 60.0
SAID = re.compile(
    r"of (\d+) samples heard, (\d+) were dropped while .*, and (\d+) are not known to have arrived"
)


@dataclass(slots=True)
class Site:
    """All of it, running."""

    field: Field
    witness: Witness
    serving: Serving
    cables: dict[str, Cable]
    known: dict[str, Known]
    figures: Figures = made(default_factory=Figures)

    @property
    def rooms(self) -> list[str]:
        return list(self.cables)

    def live(self, beat: Heartbeat) -> bool:
        """All streams, with nothing more to come, and something was decided of each in this boot."""
        known = {stream.stream for stream in beat.streams}  # a daemon that has just begun names none yet
        return known.issuperset(self.rooms) and all(
            self.field.is_live(room, beat) and self.field.state(room, beat).windows_scored > 0
            for room in self.rooms
        )

    def remote(self, beat: Heartbeat) -> bool:
        """The cluster embeds."""
        return beat.engine.remote is not None and not beat.engine.degraded

    def settled(self, accept: Callable[[Heartbeat], bool] | None = None) -> Heartbeat:
        return self.witness.wait_for(Heartbeat, accept or self.live, BACK_WITHIN_S)

    def note(self, fault: str, lost: str, back_s: float | None, so: str) -> None:
        self.figures.add(Figure(family="rooms", fault=fault, lost=lost, back_s=back_s, so=so))

    def account(self) -> dict[str, Account]:
        return accounts(self.witness.events)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    if why := networks.why_not():
        pytest.skip(why)
    with ExitStack() as stack:
        switch = stack.enter_context(Switch())
        head = stack.enter_context(closing(Head()))
        head.start()
        serving = stack.enter_context(closing(Serving(head, "--replicas", "1", "--cpus-per-replica", "0.5")))
        serving.wait_until_serving()
        remote = {"addresses": [serving.address], "deadline_s": 1.0, "failures": 2}
        settings = {"model": "builtin", "engine": {"remote": remote}}
        field = Field(tmp_path, settings, address=switch.address, cables=False)
        cables, known = {}, {}
        for room, buffer_s in BUFFERS_S.items():
            cables[room] = switch.cable()
            known[room] = Known(tmp_path / f"{room}.wav", BEGIN_S[room], PLAYED_S)
            satellite = field.place(room, endless(known[room].path), buffer_s=buffer_s, block_s=BLOCK_S)
            satellite.within(*cables[room].enter)
        witness = stack.enter_context(Witness(field.daemon.events_endpoint))
        stack.enter_context(field)
        field.daemon.control.enroll_audio("anna", FOLDER / "enrol_anna.ogg")
        yield Site(field, witness, serving, cables, known)


def test_whatever_is_cut_or_killed_every_room_comes_back_and_every_sample_is_accounted_for(
    site: Site,
) -> None:
    site.settled(lambda beat: site.live(beat) and site.remote(beat))
    two_cables_are_pulled(site)
    the_replica_is_killed(site)
    the_daemon_is_stopped(site, signal.SIGTERM)
    the_daemon_is_stopped(site, signal.SIGKILL)
    last = the_rooms_go_silent(site)
    every_sample_is_accounted_for(site)
    what_was_heard_is_what_was_played(site)
    the_counters_are_what_the_events_say(site, last)
    nobody_was_told_less(site)
    print(table(site.figures.figures))


def two_cables_are_pulled(site: Site) -> None:
    """One satellite can keep what it hears meanwhile, another cannot; the third has its cable."""
    pulled = ["kitchen", SHORT]
    before = {room: account.openings[-1] for room, account in site.account().items()}
    for room in pulled:
        site.cables[room].pull()
    until_s = site.settled(lambda _: True).uptime_s + CUT_S
    beat = site.settled(lambda beat: beat.uptime_s >= until_s)
    assert {room for room in site.rooms if site.field.state(room, beat).state == "lost"} == set(pulled)
    for room in pulled:
        site.cables[room].plug()
    plugged_s = time.monotonic()
    site.settled()
    back_s = time.monotonic() - plugged_s
    after = site.account()
    assert after["desk"].openings[-1] is not None
    assert after["desk"].openings[-1].stream_id == before["desk"].stream_id  # it did not notice
    assert after["kitchen"].named == after["kitchen"].between == 0
    assert after[SHORT].reasons() == ["link"]
    lost_s = after[SHORT].named / RATE
    assert CUT_S - BUFFERS_S[SHORT] - 2.0 < lost_s < CUT_S - BUFFERS_S[SHORT] + FOUND_AGAIN_S
    assert after[SHORT].between == 0
    site.note(
        f"a satellite's cable is pulled for {CUT_S:.0f} s, and it keeps {BUFFERS_S['kitchen']:.0f} s",
        "nothing",
        back_s,
        "loses the stream after 3 s, and with it every verdict; hears, late, what was said meanwhile",
    )
    site.note(
        f"a satellite's cable is pulled for {CUT_S:.0f} s, and it keeps {BUFFERS_S[SHORT]:.0f} s",
        f"{lost_s:.1f} s of audio, counted",
        back_s,
        "names the gap (`link`), marks its windows, and hears the rest late",
    )


def the_replica_is_killed(site: Site) -> None:
    """While all rooms speak; until the cluster has another one, the daemon computes itself."""
    before = site.settled(site.remote)
    mark = site.witness.mark
    (replica,) = site.serving.replicas()
    os.kill(replica, signal.SIGKILL)
    killed_s = time.monotonic()
    degraded = site.witness.wait_for(EngineDegraded, lambda _: True, 20.0, since=mark)
    restored = site.witness.wait_for(EngineRestored, lambda _: True, BACK_WITHIN_S, since=mark)
    back_s = time.monotonic() - killed_s
    after = site.settled(site.remote)
    assert degraded.device != restored.device
    assert restored.away_s > 0
    was, now = before.engine.remote, after.engine.remote
    assert was is not None
    assert now is not None
    here = now.windows_local - was.windows_local
    assert here > 0
    events = site.witness.events
    away = [event.seq for event in events if event in (degraded, restored)]
    meanwhile = [
        event
        for event in events
        if isinstance(event, WindowScored) and event.boot == degraded.boot and away[0] < event.seq < away[1]
    ]
    assert {event.stream for event in meanwhile if event.scores} == set(site.rooms)
    missed = now.windows_dropped - was.windows_dropped
    site.note(
        "the cluster's only replica is killed",
        f"{missed} windows, counted" if missed else "nothing",
        back_s,
        f"embeds itself meanwhile ({here} windows), tells `engine.degraded`, and asks again",
    )


def the_daemon_is_stopped(site: Site, number: signal.Signals) -> None:
    """And started again."""
    before = site.account()
    openings = {room: len(before[room].openings) for room in site.rooms}
    site.field.daemon.stop(number)
    stopped_s = time.monotonic()
    site.field.daemon.start()
    site.settled()
    back_s = time.monotonic() - stopped_s
    after = site.account()
    steps = [
        step for room in site.rooms for step in after[room].steps[openings[room] - 1 :]
    ]  # over the restart
    lost_s = max(0, *steps) / RATE  # or heard, but by a daemon that could not say so any more
    assert lost_s < SAID_EVERY_S + WINDOW * BLOCK_S
    named = {room: after[room].named - before[room].named for room in site.rooms}
    assert {room for room in site.rooms if named[room]} <= {SHORT}
    what = "stopped" if number == signal.SIGTERM else "killed (-9)"
    lost = f"at most {lost_s:.1f} s of audio" if lost_s else "nothing"
    short = f", {named[SHORT] / RATE:.1f} s where a satellite keeps {BUFFERS_S[SHORT]:.0f} s"
    site.note(
        f"the daemon is {what} and started again",
        lost + (short if named[SHORT] else ""),
        back_s,
        "`stream.opened` says where in the satellite's own count it begins",
    )


def the_rooms_go_silent(site: Site) -> Heartbeat:
    """A heartbeat to which nothing is added any more."""
    until_s = site.settled().uptime_s + 3.0
    site.settled(lambda beat: site.live(beat) and beat.uptime_s >= until_s)
    mark = site.witness.mark
    for room in site.rooms:
        assert site.field.satellites[room].stop() == 0
    silent = site.witness.wait_for(
        Heartbeat,
        lambda beat: all(site.field.state(room, beat).state != "live" for room in site.rooms),
        20.0,
        since=mark,
    )
    return site.settled(lambda beat: beat.uptime_s > silent.uptime_s)


def every_sample_is_accounted_for(site: Site) -> None:
    """What the satellite says that it heard is what was heard here, plus what was named or told as lost."""
    print(f"{'room':<8} {'heard there':>12} {'heard here':>12} {'in gaps':>9} {'between':>8} {'twice':>7}")
    for room, account in site.account().items():
        (said,) = SAID.findall(site.field.satellites[room].log)
        there, dropped, _ = (int(number) for number in said)
        print(
            f"{room:<8} {there:>12} {account.heard:>12} {account.named:>9} {account.between:>8} "
            f"{account.twice:>7}"
        )
        assert account.openings[0].source_position == 0
        assert account.openings[-1].end == there
        assert there == account.heard + account.named + account.between
        assert account.twice <= WINDOW * BLOCK_S * RATE * len(account.openings)
        assert 0 <= dropped - account.named <= WINDOW * BLOCK_S * RATE
        assert set(account.reasons()) <= {"link"}
        assert dropped == 0 or room == SHORT


def what_was_heard_is_what_was_played(site: Site) -> None:
    """Window by window, at the satellite's own positions."""
    checked = 0
    for room, account in site.account().items():
        for opening in account.openings:
            for window in opening.windows:
                holes = overlapping(opening, window)
                assert ("gap" in window.inconclusive) == holes, window
                if not holes:
                    position = opening.source_position + window.start
                    played = site.known[room].level_dbfs(position, window.stop - window.start)
                    assert window.level_dbfs == pytest.approx(played, abs=LEVEL_WITHIN_DB), (room, position)
                    checked += 1
            starts = [window.start for window in opening.windows]
            assert all(start % HOP_SAMPLES == 0 for start in starts)
            assert starts == sorted(set(starts))
    print(f"{checked} windows held exactly what was played there")
    assert checked > 100


def overlapping(opening: Opening, window: WindowScored) -> bool:
    return any(gap.start < window.stop and gap.stop > window.start for gap in opening.gaps)


def the_counters_are_what_the_events_say(site: Site, last: Heartbeat) -> None:
    """Of the last boot, in the last heartbeat."""
    told = [event for event in site.witness.events if event.boot == last.boot and event.seq < last.seq]
    embedded = 0
    for room, account in accounts(told).items():
        stream = site.field.state(room, last)
        assert stream.link is not None
        assert (stream.gaps, stream.lost_samples) == (len(account.reasons()), account.named + account.between)
        assert stream.link.lost_samples == account.named
        assert (stream.link.refused, stream.link.cuts, stream.bad_messages) == (0, 0, 0)
        windows = [window for opening in account.openings for window in opening.windows]
        assert stream.windows_scored == sum(1 for window in windows if window.scores)
        assert stream.windows_unembedded == sum("not_embedded" in window.inconclusive for window in windows)
        due = sum(
            max(0, (opening.windows[-1].stop - WINDOW_SAMPLES) // HOP_SAMPLES + 1)
            for opening in account.openings
            if opening.windows
        )
        assert due - len(windows) <= stream.windows_skipped
        embedded += stream.windows_scored + stream.windows_unembedded
    remote = last.engine.remote
    assert remote is not None
    assert remote.windows + remote.windows_local + remote.windows_dropped == embedded


def nobody_was_told_less(site: Site) -> None:
    """The subscriber had every event of every boot, in order, and knew of each restart."""
    assert [item for item in site.witness.items if isinstance(item, Missed)] == []
    assert list(jumps(site.witness.events)) == []
    boots = {event.boot for event in site.witness.of(DaemonStarted)}
    assert len(boots) == 3
    assert len([item for item in site.witness.items if isinstance(item, Restarted)]) == 2
