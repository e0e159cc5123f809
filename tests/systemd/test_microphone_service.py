"""The installed satellite under a real systemd: a PortAudio microphone there, heard by a daemon here."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from earwitness.events import LinkState, StreamState
from earwitnessd.satellite.settings import CONFIG, DAEMON_KEY, SECRET_KEY
from earwitnessd.settings.addresses import parse_address
from tests import networks, virtual_microphone
from tests.daemon.conftest import recording, tiny_model
from tests.daemon.harness import children_of
from tests.networks import Cable, Switch
from tests.satellite.field import Field
from tests.systemd.confined import within
from tests.systemd.conftest import PROGRAM
from tests.systemd.machine import Machine, wait_until
from tests.systemd.sound import FOR_PROGRAMS, MachineMicrophone
from tests.systemd.threads import FrozenThreads
from tests.virtual_microphone import NAME, tone

__all__ = ["recording", "tiny_model"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

UNIT = "earwitness-mic"
MIC = PROGRAM.with_name(UNIT)
WATCHDOG_S = 5
# the unit's own would make the test of it five times as long
DROP_IN = f"[Service]\nEnvironment={FOR_PROGRAMS}\nWatchdogSec={WATCHDOG_S}\n"
STREAM = "attic"


@dataclass(frozen=True, slots=True)
class Box:
    """The machine with the microphone, the daemon that hears it, and the cable between."""

    machine: Machine
    field: Field
    cable: Cable
    address: str

    def says(self, *parts: str, within_s: float = 30.0) -> str:
        """The status line of the unit, once it holds all these."""
        shown = self.machine.await_unit(
            UNIT, lambda shown: all(part in shown["StatusText"] for part in parts), within_s
        )
        return shown["StatusText"]

    def heard(self, within_s: float = 30.0) -> tuple[StreamState, LinkState]:
        return self.field.until_live(STREAM, within_s)

    @property
    def pid(self) -> int:
        return self.machine.main_pid(UNIT)


@pytest.fixture(scope="module")
def box(machine: Machine, tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """Booted, with a sound server that plays, and a cable to a daemon that does not know it yet."""
    if why := networks.why_not() or virtual_microphone.why_not():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("field")
    with Switch() as switch, MachineMicrophone(machine) as microphone:
        microphone.say_for_ever(tone(440.0, 1.0, 0.2))
        cable = switch.cable(machine.pid)
        field = Field(folder, {"model": tiny_model}, address=switch.address, cables=False)
        field.streams[STREAM] = {"source": "network"}
        with field:
            yield Box(machine, field, cable, f"tcp://{switch.address}:{field.port}")


def test_what_is_left_to_do_is_said_by_install_and_by_a_service_that_is_started_all_the_same(
    box: Box,
) -> None:
    machine = box.machine
    told = machine.does(MIC, "install")
    assert f"say where the daemon is: daemon in {CONFIG}" in told
    started = machine.run("systemctl", "start", UNIT)
    assert started.returncode != 0
    shown = machine.show(UNIT)
    assert (shown["ActiveState"], shown["ExecMainStatus"], shown["NRestarts"]) == ("failed", "3", "0")
    assert any("daemon is missing" in str(entry["MESSAGE"]) for entry in machine.journal("-u", UNIT))


def test_installed_by_one_command_it_is_ready_before_the_daemon_knows_it_and_heard_once_it_does(
    box: Box,
) -> None:
    machine, field = box.machine, box.field
    bring = machine.path("/root/daemon.key")
    bring.write_bytes(field.server_key.read_bytes())
    told = machine.does(MIC, "install", "--daemon", box.address, "--daemon-key", "/root/daemon.key")
    assert "restart" not in told
    settings = machine.path(str(CONFIG))
    settings.write_text(settings.read_text().replace("device: default", f"device: {NAME}"))
    drop_in = machine.path(f"/etc/systemd/system/{UNIT}.service.d/50-sound.conf")
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text(DROP_IN)
    machine.does(MIC, "install", "--now")
    assert machine.show(UNIT)["ActiveState"] == "active"  # Type=notify: it has said that it is ready
    box.says("listening", f"nothing came from {box.address}", "s waiting")
    public = machine.path(str(SECRET_KEY.with_suffix(".key"))).read_bytes()
    (field.folder / "satellites" / f"{STREAM}.key").write_bytes(public)
    stream, link = box.heard()
    assert (stream.device, link.key) == (NAME, STREAM)
    assert link.address.startswith(box.cable.address)
    # nothing waits any more of what was kept while the daemon did not know it
    machine.await_unit(UNIT, lambda shown: shown["StatusText"] == "listening; heard as attic", 30.0)
    assert stream.level_dbfs is not None
    assert -25.0 < stream.level_dbfs < -10.0  # the tone that is played there


def test_check_finds_everything_in_order_while_the_service_runs(box: Box) -> None:
    """As root, who has the key without systemd."""
    environment = ("env", *FOR_PROGRAMS.split())
    said = box.machine.does(*environment, MIC, "check", within_s=90)
    assert [line.split()[:2] for line in said.split("# found\n")[1].splitlines()] == [
        ["ok", "keys"],
        ["ok", "source"],
        ["ok", "daemon"],
    ]


def test_it_runs_as_a_user_of_its_own_without_any_privilege(box: Box) -> None:
    lines = Path(f"/proc/{box.pid}/status").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert int(fields["Uid"].split()[0]) >= 61184  # systemd's range of users that exist while a service runs
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_systemd_itself_measures_an_exposure_of_at_most_one_and_a_half(box: Box) -> None:
    done = box.machine.run("systemd-analyze", "security", "--no-pager", "--threshold=15", UNIT)
    print(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_nothing_can_be_done_from_within_that_a_microphone_does_not_need(box: Box) -> None:
    host, port = parse_address(box.address.removeprefix("tcp://")).host, box.field.port
    denied = {
        "touch /usr/local/there": "read-only file system",
        "touch /etc/there": "read-only file system",
        f"cat {SECRET_KEY}": "permission denied",
        "ls /root/daemon.key": "permission denied|no such file",
        "cp /bin/true /tmp/t && /tmp/t": "permission denied",
        "unshare --user true": "operation not permitted",
        "python3 -c 'import socket; socket.socket(socket.AF_NETLINK)'": "not supported by protocol",
        "python3 -c 'import socket; socket.socket(socket.AF_PACKET)'": "not supported by protocol",
        "mount -t tmpfs none /tmp": "must be superuser",
        "cat /proc/1/environ": "no such file",
        "cat /proc/cpuinfo": "no such file",
        "dmesg": "operation not permitted",
    }
    card = box.machine.path("/run/card")
    card.write_bytes(b"")
    box.machine.does("chgrp", "audio", "/run/card")
    box.machine.does("chmod", "660", "/run/card")
    reach = f"python3 -c 'import socket; socket.create_connection((\"{host}\", {port}), 5)'"
    allowed = [f"test -r {DAEMON_KEY}", f"test -r {CONFIG}", "test -w /tmp", "test -w /run/card", reach]
    done = within(box.machine, UNIT, [*denied, *allowed])
    assert [command for command, (exit_status, _) in done.items() if exit_status == 0] == allowed, done
    for command, reason in denied.items():
        said = done[command][1].lower()
        assert any(each in said for each in reason.split("|")), (command, done[command])


def test_the_key_is_a_credential_that_only_the_service_may_read(box: Box) -> None:
    handed_over = Path(f"/proc/{box.pid}/root/run/credentials/{UNIT}.service")
    assert [file.name for file in handed_over.iterdir()] == [SECRET_KEY.name]
    secret = box.machine.path(str(SECRET_KEY)).read_text().split('secret-key = "')[1].split('"')[0]
    said = box.machine.journal("-u", UNIT)
    assert secret not in str(said)
    assert any(entry["SYSLOG_IDENTIFIER"] == UNIT and "hears us" in str(entry["MESSAGE"]) for entry in said)


def test_a_daemon_that_cannot_be_reached_shows_in_the_status_and_nothing_is_lost(box: Box) -> None:
    before, link = box.heard()
    box.cable.pull()
    box.says("listening", "nothing came from", "s waiting")
    box.cable.plug()
    box.says("listening; heard as attic")
    stream, now = box.heard()
    assert now.lost_samples == link.lost_samples == 0
    assert stream.gaps == before.gaps
    assert box.machine.show(UNIT)["NRestarts"] == "0"


def test_a_daemon_that_is_started_anew_is_followed(box: Box) -> None:
    """Its sockets close at once: what libzmq does then must be allowed, too."""
    box.heard()
    pid = box.pid
    assert box.field.daemon.stop() == 0
    box.says("listening", "s waiting")
    box.field.daemon.start()
    box.heard()
    assert box.pid == pid


def test_after_a_kill_it_is_back_and_nothing_of_it_was_left_behind(box: Box) -> None:
    pid, before = box.pid, box.heard()[0]
    (child,) = children_of(pid)
    restarts = int(box.machine.show(UNIT)["NRestarts"])
    began_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    shown = box.machine.await_unit(UNIT, lambda shown: int(shown["NRestarts"]) > restarts, 20.0)
    stream, _ = box.field.until(
        STREAM, lambda stream, _: stream.state == "live" and stream.opened > before.opened
    )
    print(f"killed: heard again after {time.monotonic() - began_s:.1f} s")
    assert int(shown["NRestarts"]) == restarts + 1
    assert not box.machine.holds(child)
    assert stream.lost_samples > before.lost_samples  # while nobody listened


def test_a_capture_process_that_hangs_is_replaced_by_the_satellite(box: Box) -> None:
    before, restarts = box.heard()[0], box.machine.show(UNIT)["NRestarts"]
    pid = box.pid
    (child,) = children_of(pid)
    os.kill(child, signal.SIGSTOP)
    wait_until(lambda: children_of(pid) not in ([child], []), 30.0, "it was not replaced")
    box.field.until(STREAM, lambda stream, _: stream.state == "live" and stream.opened > before.opened)
    assert (box.pid, box.machine.show(UNIT)["NRestarts"]) == (pid, restarts)


def test_a_satellite_that_hangs_is_noticed_by_the_watchdog_and_comes_back(box: Box) -> None:
    restarts, before = int(box.machine.show(UNIT)["NRestarts"]), box.heard()[0]
    began_s = time.monotonic()
    with FrozenThreads(box.pid, main=True) as frozen:

        def restarted(shown: object) -> bool:
            frozen.reap()
            return int(box.machine.show(UNIT)["NRestarts"]) > restarts

        box.machine.await_unit(UNIT, restarted, 60.0)
    bitten_s = time.monotonic() - began_s
    box.field.until(STREAM, lambda stream, _: stream.state == "live" and stream.opened > before.opened)
    print(f"hung: restarted after {bitten_s:.1f} s, heard after {time.monotonic() - began_s:.1f} s")
    said = [str(entry["MESSAGE"]) for entry in box.machine.journal("-u", UNIT)]
    assert any("Watchdog timeout" in line for line in said)


def test_it_stops_in_under_two_seconds_and_starts_with_the_machine(box: Box) -> None:
    box.heard()
    began_s = time.monotonic()
    box.machine.does("systemctl", "stop", UNIT)
    assert time.monotonic() - began_s < 2.0
    shown = box.machine.show(UNIT)
    assert (shown["ActiveState"], shown["Result"], shown["UnitFileState"]) == (
        "inactive",
        "success",
        "enabled",
    )
    box.field.until(STREAM, lambda _, link: link.state == "down")


def test_a_key_that_is_gone_is_named_and_nothing_is_tried_again(box: Box) -> None:
    key = box.machine.path(str(SECRET_KEY))
    kept = key.read_bytes()
    key.unlink()
    box.machine.run("systemctl", "start", UNIT)
    shown = box.machine.show(UNIT)
    assert (shown["ActiveState"], shown["ExecMainStatus"]) == ("failed", "3")
    said = [str(entry["MESSAGE"]) for entry in box.machine.journal("-u", UNIT)]
    assert any(f"{SECRET_KEY} is not there: earwitness-mic install" in line for line in said)
    key.write_bytes(kept)
    key.chmod(0o600)
    box.machine.does("systemctl", "start", UNIT)
    box.heard()


def test_uninstall_stops_it_and_purge_leaves_nothing(box: Box) -> None:
    told = box.machine.does(MIC, "uninstall")
    assert f"kept     {SECRET_KEY}: --purge removes it" in told
    assert box.machine.show(UNIT)["LoadState"] == "not-found"
    box.field.until(STREAM, lambda _, link: link.state == "down")
    box.machine.does(MIC, "uninstall", "--purge")
    assert not any(box.machine.path(str(file)).exists() for file in (CONFIG, SECRET_KEY, DAEMON_KEY))
