"""The unit of `serve-embeddings` under a real systemd: a Ray of its own, embedding for a daemon elsewhere."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from earwitnessd.access.keys import new_key_pair
from earwitnessd.engines.remote.link import Curve, Link, Place, Tally
from earwitnessd.engines.remote.opening import identity_of
from earwitnessd.engines.remote.wire import to_int16
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import open_model
from earwitnessd.satellite.keys import LinkKeys
from tests import networks
from tests.networks import Switch
from tests.systemd.conftest import PROGRAM
from tests.systemd.machine import Machine, wait_until

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(170)]

UNIT = "earwitness-embeddings"
KEYS = Path("/etc/earwitness/keys")
SPEECH = to_int16(speech_windows(2, 48_000))
STARTS_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """The machine, and a key that it lets in."""

    machine: Machine
    place: Place

    def embeds(self, within_s: float = 30.0) -> bool:
        """Whether a daemon with that key gets vectors."""
        with closing(Link(self.place, identity_of(open_model("builtin")), Tally())) as link:
            link.wait_until_up(within_s)
            vectors, _ = link.ask(SPEECH, within_s)
        return vectors is not None and bool(np.isfinite(vectors).all())


@pytest.fixture(scope="module")
def server(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if why := networks.why_not():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("keys")
    daemons_public, daemons_secret = new_key_pair(folder, "desk")
    gates_public, gates_secret = new_key_pair(folder, "gate")
    there = machine.path(str(KEYS))
    (there / "engine-clients").mkdir(parents=True)
    (there / gates_secret.name).write_bytes(gates_secret.read_bytes())
    (there / gates_secret.name).chmod(0o600)
    (there / "engine-clients" / daemons_public.name).write_bytes(daemons_public.read_bytes())
    unit = machine.does(PROGRAM, "serve-embeddings", "--unit")
    machine.path(f"/etc/systemd/system/{UNIT}.service").write_text(unit)
    machine.path("/etc/earwitness/embeddings.env").write_text("ARGUMENTS=--cpus-per-replica 0.5\n")
    machine.does("systemctl", "daemon-reload")
    machine.does("systemctl", "start", UNIT, within_s=STARTS_WITHIN_S)
    keys = LinkKeys.load(daemons_secret, gates_public)
    curve = Curve(keys.public, keys.secret, keys.daemon_public)
    with Switch() as switch:
        cable = switch.cable(machine.pid)
        yield Server(machine, Place([f"tcp://{cable.address}:7803"], curve))


def test_it_is_ready_when_it_embeds_and_a_daemon_elsewhere_is_served(server: Server) -> None:
    shown = server.machine.show(UNIT)
    assert (shown["ActiveState"], shown["StatusText"]) == ("active", "serving embeddings")
    assert server.embeds()


def test_it_runs_as_a_user_of_its_own_without_any_privilege(server: Server) -> None:
    lines = Path(f"/proc/{server.machine.main_pid(UNIT)}/status").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert int(fields["Uid"].split()[0]) >= 61184  # systemd's range of users that exist while a service runs
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_systemd_itself_measures_an_exposure_of_at_most_one_and_a_half(server: Server) -> None:
    done = server.machine.run("systemd-analyze", "security", "--no-pager", "--threshold=15", UNIT)
    print(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_a_replica_that_is_killed_is_replaced_within_the_service(server: Server) -> None:
    machine = server.machine
    replicas = [pid for pid in titled("ray::ServeReplica") if machine.holds(pid)]
    assert replicas
    for pid in replicas:
        os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: any(pid not in replicas and machine.holds(pid) for pid in titled("ray::ServeReplica")),
        60.0,
        machine.journal_text,
    )
    assert server.embeds(60.0)
    assert machine.show(UNIT)["NRestarts"] == "0"


def test_after_a_kill_it_embeds_again(server: Server) -> None:
    os.kill(server.machine.main_pid(UNIT), signal.SIGKILL)
    server.machine.await_unit(UNIT, lambda shown: int(shown["NRestarts"]) == 1, 60.0)
    server.machine.await_unit(UNIT, lambda shown: shown["ActiveState"] == "active", STARTS_WITHIN_S)
    assert server.embeds()


def test_it_stops_in_good_order_and_leaves_no_process(server: Server) -> None:
    began_s = time.monotonic()
    server.machine.does("systemctl", "stop", UNIT, within_s=90)
    print(f"stopped after {time.monotonic() - began_s:.1f} s")
    assert server.machine.show(UNIT)["Result"] == "success"
    assert not [pid for pid in titled("ray::") if server.machine.holds(pid)]


def titled(title: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes().startswith(title.encode()):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
