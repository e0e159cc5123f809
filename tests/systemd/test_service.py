"""The installed service under a real systemd, from its first start to the removal of its last file."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from earwitness.control import Control, Status
from earwitnessd.demo.conversation import FOLDER, load_conversation
from earwitnessd.engines.amx.sources import KERNELS
from earwitnessd.native.cpu import lacks_tiles
from earwitnessd.speech.silero_compiled import GATE
from tests.daemon.harness import children_of
from tests.systemd.confined import within
from tests.systemd.conftest import PROGRAM
from tests.systemd.machine import Machine, wait_until
from tests.systemd.threads import FrozenThreads

pytestmark = pytest.mark.slow

UNIT = "earwitnessd"
TALK = {"source": "file", "path": str(FOLDER / load_conversation().file), "loop": True}
SETTINGS: dict[str, Any] = {"streams": {"talk": TALK}, "sockets": {"group": "earwitness"}}


def write_settings(machine: Machine, settings: object) -> None:
    machine.path("/etc/earwitness/earwitnessd.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


@contextmanager
def control(machine: Machine) -> Iterator[Control]:
    with Control(f"ipc://{machine.path('/run/earwitness/control')}", timeout_s=20.0) as asked:
        yield asked


def status(machine: Machine) -> Status:
    with control(machine) as asked:
        return asked.status()


def main_pid(machine: Machine) -> int:
    return machine.main_pid(UNIT)


@pytest.fixture(scope="module")
def service(machine: Machine) -> Machine:
    """Installed and running."""
    told = machine.does(PROGRAM, "install")
    assert "made     /etc/earwitness/keys/template.key" in told
    write_settings(machine, SETTINGS)
    machine.does(PROGRAM, "install", "--now", within_s=120)
    return machine


def hears(machine: Machine, says: Callable[[str], bool], within_s: float = 30.0) -> str:
    return machine.await_unit(UNIT, lambda shown: says(shown["StatusText"]), within_s)["StatusText"]


def test_it_is_ready_when_the_model_is_loaded_and_says_what_it_hears(service: Machine) -> None:
    shown = service.show(UNIT)
    assert (shown["ActiveState"], shown["SubState"], shown["UnitFileState"]) == (
        "active",
        "running",
        "enabled",
    )
    assert status(service).heartbeat.engine.model_id  # there is an engine to ask at once
    text = hears(service, lambda text: text.startswith(("talk hears speech", "talk listens")))
    assert "earwitness-builtin" in text or "builtin" in text


def test_speech_is_told_by_what_the_installation_compiled(service: Machine) -> None:
    made = GATE.of_installation(PROGRAM.parent.parent)
    assert service.path(str(made)).is_file()
    hears(service, lambda text: text.startswith(("talk hears speech", "talk listens")))
    assert str(made) in Path(f"/proc/{main_pid(service)}/maps").read_text(encoding="utf-8")


@pytest.mark.skipif(lacks_tiles() is not None, reason=str(lacks_tiles()))
def test_it_computes_by_the_kernels_that_the_installation_compiled(service: Machine) -> None:
    made = KERNELS.of_installation(PROGRAM.parent.parent)
    assert service.path(str(made)).is_file()
    assert "AMX" in status(service).heartbeat.engine.device  # its kernels compute, or torch was faster
    assert str(made) in Path(f"/proc/{main_pid(service)}/maps").read_text(encoding="utf-8")


def test_it_runs_as_its_own_user_with_no_privilege(service: Machine) -> None:
    lines = Path(f"/proc/{main_pid(service)}/status").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert fields["Uid"].split()[0] == service.does("id", "-u", "earwitness").strip()
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


def test_systemd_itself_measures_an_exposure_of_at_most_one_and_a_half(service: Machine) -> None:
    done = service.run("systemd-analyze", "security", "--no-pager", "--threshold=15", UNIT)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_only_the_group_may_connect_and_nobody_else_sees_the_profiles(service: Machine) -> None:
    program = PROGRAM.with_name("earwitness")
    service.does("useradd", "--groups", "earwitness", "member")
    service.does("useradd", "stranger")
    # the programs lie in root's home on some machines, so the sockets are asked for by a tool of the system
    ask = ("test", "-w", "/run/earwitness/control")
    assert service.run(*ask, user="member").returncode == 0
    assert service.run(*ask, user="stranger").returncode != 0
    assert service.run("ls", "/var/lib/earwitness", user="member").returncode != 0
    assert service.run("cat", "/etc/earwitness/keys/template.key", user="member").returncode != 0
    assert "talk" in service.does(program, "status")


def test_nothing_can_be_done_from_within_that_the_daemon_does_not_need(service: Machine) -> None:
    denied = {
        "touch /usr/local/there": "read-only file system",
        "touch /etc/there": "read-only file system",
        "cat /etc/earwitness/keys/template.key": "permission denied",
        "ls /home/member": "permission denied",
        "cp /bin/true /var/lib/earwitness/t && /var/lib/earwitness/t": "permission denied",
        "cp /bin/true /tmp/t && /tmp/t": "permission denied",
        "unshare --user true": "operation not permitted",
        "python3 -c 'import socket; socket.socket()'": "not supported by protocol",
        "chown root /var/lib/earwitness": "operation not permitted",
        "mount -t tmpfs none /tmp": "must be superuser",
        "cat /proc/1/environ": "no such file",
        "dmesg": "operation not permitted",
    }
    allowed = ["test -r /proc/cpuinfo", "test -w /var/lib/earwitness", "test -w /run/earwitness"]
    done = within(service, UNIT, [*denied, *allowed])
    assert [command for command, (exit_status, _) in done.items() if exit_status == 0] == allowed, done
    for command, reason in denied.items():
        assert reason in done[command][1].lower(), (command, done[command])


def test_a_hung_engine_is_noticed_by_the_watchdog_and_the_service_comes_back(service: Machine) -> None:
    before, restarts = status(service), int(service.show(UNIT)["NRestarts"])
    began_s = time.monotonic()
    with FrozenThreads(main_pid(service)) as frozen:

        def restarted(shown: Mapping[str, str]) -> bool:
            frozen.reap()
            return int(shown["NRestarts"]) > restarts

        shown = service.await_unit(UNIT, restarted, 90.0)
    bitten_s = time.monotonic() - began_s
    service.await_unit(UNIT, lambda shown: shown["ActiveState"] == "active", 60.0)
    after = status(service)
    print(f"hung engine: killed after {bitten_s:.1f} s, back after {time.monotonic() - began_s:.1f} s")
    assert after.boot != before.boot
    assert int(shown["NRestarts"]) == restarts + 1
    said = [entry["MESSAGE"] for entry in service.journal("-u", UNIT)]
    assert any("no progress: the engine has not turned" in str(line) for line in said)
    assert any("Watchdog timeout" in str(line) for line in said)
    assert any("Fatal Python error: Aborted" in str(line) for line in said)  # and where each thread was
    hears(service, lambda text: text.startswith("talk "))


def test_a_hung_capture_is_replaced_without_a_restart_of_the_service(service: Machine) -> None:
    before = status(service)
    pid, restarts = main_pid(service), service.show(UNIT)["NRestarts"]
    wait_until(lambda: len(children_of(pid)) == 1, 20.0, "no capture process")
    (child,) = children_of(pid)
    os.kill(child, signal.SIGSTOP)
    wait_until(lambda: children_of(pid) not in ([child], []), 30.0, "it was not replaced")
    hears(service, lambda text: text.startswith(("talk hears", "talk listens")))
    after = status(service)
    assert after.boot == before.boot
    assert after.heartbeat.streams[0].kills == before.heartbeat.streams[0].kills + 1
    assert service.show(UNIT)["NRestarts"] == restarts


def test_after_a_kill_it_is_back_with_its_profiles_and_a_new_boot(service: Machine) -> None:
    with control(service) as asked:
        asked.enroll_audio("anna", FOLDER / "enrol_anna.ogg")
    before = status(service)
    os.kill(main_pid(service), signal.SIGKILL)
    service.await_unit(UNIT, lambda shown: shown["ActiveState"] != "active", 20.0)
    service.await_unit(UNIT, lambda shown: shown["ActiveState"] == "active", 60.0)
    with control(service) as asked:
        assert asked.status().boot != before.boot
        assert [person.name for person in asked.profiles().profiles] == ["anna"]


def test_reload_puts_new_settings_into_force_and_keeps_the_old_when_they_are_broken(service: Machine) -> None:
    pid = main_pid(service)
    write_settings(service, {**SETTINGS, "streams": {"hall": TALK}})
    service.does("systemctl", "reload", UNIT)
    hears(service, lambda text: text.startswith("hall "))
    write_settings(service, {"streams": {"hall": {"source": "fil"}}})
    service.does("systemctl", "reload", UNIT)
    wait_until(
        lambda: any(
            "reload refused" in str(entry["MESSAGE"]) for entry in service.journal("-u", UNIT, "-p", "err")
        ),
        20.0,
        "nothing was said of the broken settings",
    )
    assert service.show(UNIT)["ActiveState"] == "active"
    assert main_pid(service) == pid
    assert status(service).heartbeat.streams[0].stream == "hall"
    write_settings(service, SETTINGS)
    service.does("systemctl", "reload", UNIT)
    hears(service, lambda text: text.startswith("talk "))


def test_what_it_logs_has_fields_and_no_vector_nor_key(service: Machine) -> None:
    entries = service.journal(f"_SYSTEMD_UNIT={UNIT}.service")
    opened = [entry for entry in entries if entry.get("EARWITNESS_EVENT") == "stream.opened"]
    assert opened
    assert {entry["PRIORITY"] for entry in opened} == {"6"}
    assert {entry["EARWITNESS_STREAM"] for entry in opened} == {"talk", "hall"}
    assert any(entry.get("EARWITNESS_EVENT") == "profile.enrolled" for entry in entries)
    per_window = [entry for entry in entries if "window" in str(entry.get("EARWITNESS_EVENT"))]
    assert per_window == []
    said = "\n".join(
        str(value) for entry in entries for name, value in entry.items() if not name.startswith("_")
    )
    assert re.search(r"(-?\d\.\d{3,}[,\s]+){4}", said) is None  # numbers in a row are a vector
    assert re.search(r"[A-Za-z0-9+]{100}", said) is None  # nor is one written as text
    whole = str(entries)
    key = service.path("/etc/earwitness/keys/template.key").read_text(encoding="ascii").strip()
    assert key not in whole
    secret = service.path("/etc/earwitness/keys/earwitnessd.key_secret").read_text(encoding="utf-8")
    assert secret.split('secret-key = "')[1].split('"')[0] not in whole


def test_keys_come_as_credentials_that_only_root_could_read(service: Machine) -> None:
    database = service.path("/var/lib/earwitness")
    assert not list(database.glob("*.key"))  # nothing was made beside the database
    handed_over = Path(f"/proc/{main_pid(service)}/root/run/credentials/earwitnessd.service")
    assert {file.name for file in handed_over.iterdir()} == {"template.key", "earwitnessd.key_secret"}


def test_an_encrypted_credential_takes_the_place_of_the_plain_key(service: Machine) -> None:
    sealed = "/etc/earwitness/keys/template.key.sealed"
    plain = "/etc/earwitness/keys/template.key"
    done = service.run("systemd-creds", "encrypt", "--with-key=host", "--name=template.key", plain, sealed)
    if done.returncode:
        pytest.skip(f"systemd-creds: {done.stderr.strip()}")
    folder = service.path("/etc/systemd/system/earwitnessd.service.d")
    folder.mkdir(exist_ok=True)
    drop_in = folder / "50-sealed.conf"
    drop_in.write_text(f"[Service]\nLoadCredentialEncrypted=template.key:{sealed}\n", encoding="utf-8")
    kept = service.path(plain).read_text(encoding="ascii")
    service.path(plain).unlink()
    service.does("systemctl", "daemon-reload")
    service.does("systemctl", "restart", UNIT, within_s=120)
    with control(service) as asked:
        assert [person.name for person in asked.profiles().profiles] == ["anna"]
    service.path(plain).write_text(kept, encoding="ascii")
    service.path(plain).chmod(0o600)
    drop_in.unlink()
    service.does("systemctl", "daemon-reload")
    service.does("systemctl", "restart", UNIT, within_s=120)


def test_the_key_of_the_service_is_rotated_and_everybody_stays(service: Machine) -> None:
    key = service.path("/etc/earwitness/keys/template.key")
    before = key.read_text(encoding="ascii")
    refused = service.run(PROGRAM, "templates", "rotate")
    assert refused.returncode == 1
    assert "the service earwitnessd runs: `systemctl stop earwitnessd`, rotate" in refused.stderr
    assert key.read_text(encoding="ascii") == before
    told = service.does(PROGRAM, "templates", "rotate", "--now", within_s=120)
    assert re.search(
        r"ran +systemctl stop earwitnessd.service\n"
        r"/var/lib/earwitness/profiles.db: 1 templates\n"
        r"key \w+ until now, \w+ from now on\n"
        r"it lies in /etc/earwitness/keys/template.key; .*\n"
        r"ran +systemctl start earwitnessd.service\n",
        told,
    )
    assert key.read_text(encoding="ascii") != before
    with control(service) as asked:
        assert [person.name for person in asked.profiles().profiles] == ["anna"]
    shown = service.does(PROGRAM, "templates", "show")
    assert "handed to the service as a systemd credential" in shown
    assert "people    1, 1 sessions" in shown
    owners = service.does("find", "/var/lib/earwitness", "-not", "-user", "earwitness")
    assert owners == ""  # what root touched is still the service's


def test_a_key_that_is_gone_is_named_and_nothing_is_tried_again(service: Machine) -> None:
    key = service.path("/etc/earwitness/keys/template.key")
    kept = key.read_text(encoding="ascii")
    key.unlink()
    service.run("systemctl", "restart", UNIT, within_s=120)
    shown = service.show(UNIT)
    assert (shown["ActiveState"], shown["ExecMainStatus"]) == ("failed", "3")
    said = [str(entry["MESSAGE"]) for entry in service.journal(f"_SYSTEMD_UNIT={UNIT}.service")]
    assert any("/etc/earwitness/keys/template.key) is not there. Restore it" in line for line in said[-5:])
    assert "MISSING  /etc/earwitness/keys/template.key" in service.does(PROGRAM, "install")
    assert not key.exists()
    key.write_text(kept, encoding="ascii")
    key.chmod(0o600)
    service.does("systemctl", "start", UNIT, within_s=120)
    with control(service) as asked:
        assert [person.name for person in asked.profiles().profiles] == ["anna"]


def test_metrics_and_tcp_are_let_through_only_once_they_are_installed(service: Machine) -> None:
    write_settings(service, {**SETTINGS, "metrics": {"listen": "127.0.0.1:9464"}})
    service.run("systemctl", "restart", UNIT)
    refused = service.show(UNIT)
    assert refused["ActiveState"] == "failed"  # exit status 3: it does not try again
    assert refused["ExecMainStatus"] == "3"
    told = service.does(PROGRAM, "install", "--now", within_s=120)
    assert "allows   The settings have metrics" in told
    fetch = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:9464/metrics').status)"
    assert service.does("python3", "-c", fetch).strip() == "200"
    done = service.run("systemd-analyze", "security", "--no-pager", "--threshold=15", UNIT)
    assert done.returncode == 0, done.stdout.splitlines()[-1]
    write_settings(service, SETTINGS)
    service.does(PROGRAM, "install", "--now", within_s=120)


def test_tcp_sockets_work_within_what_is_allowed_to_them(service: Machine) -> None:
    """Without a look at the interfaces, which libzmq would take if it listened itself."""
    service.does(PROGRAM, "keys", "new", "server", "--to", "/etc/earwitness/keys")
    curve = {
        "secret_key_file": "/run/credentials/earwitnessd.service/earwitnessd.key_secret",
        "subscribers": "/etc/earwitness/keys/subscribers",
        "controllers": "/etc/earwitness/keys/controllers",
        "satellites": "/etc/earwitness/keys/satellites",
    }
    tcp = {"events": "tcp://127.0.0.1:5570", "satellites": "tcp://0.0.0.0:5572", "curve": curve}
    write_settings(service, {**SETTINGS, "sockets": {**SETTINGS["sockets"], **tcp}})
    told = service.does(PROGRAM, "install", "--now", within_s=120)
    assert "allows   The settings have tcp sockets" in told
    assert "libzmq" not in told
    hears(service, lambda text: text.startswith("talk "))
    for port in (5570, 5572):
        reach = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5).close()"
        service.does("python3", "-c", reach)
    done = service.run("systemd-analyze", "security", "--no-pager", "--threshold=15", UNIT)
    assert done.returncode == 0, done.stdout.splitlines()[-1]
    write_settings(service, SETTINGS)
    service.does(PROGRAM, "install", "--now", within_s=120)


def test_a_hook_runs_its_program_when_somebody_is_verified(service: Machine) -> None:
    folder = service.path("/etc/earwitness/on")
    folder.mkdir()
    (folder / "greet.env").write_text(
        "WHEN=verified anna --initial --debounce 0s\nRUN=touch /var/lib/earwitness-on/greet/seen\n",
        encoding="utf-8",
    )
    service.does("systemctl", "start", "earwitness-on@greet")
    seen = service.path("/var/lib/private/earwitness-on/greet/seen")
    wait_until(seen.exists, 60.0, "the program was not run")
    service.does("systemctl", "stop", "earwitness-on@greet")


def test_the_bridge_to_mqtt_keeps_trying_while_there_is_no_broker(service: Machine) -> None:
    service.does("systemctl", "start", "earwitness-mqtt")
    wait_until(
        lambda: any(
            "localhost" in str(entry["MESSAGE"]) for entry in service.journal("-u", "earwitness-mqtt")
        ),
        30.0,
        "it says nothing of the broker",
    )
    assert service.show("earwitness-mqtt")["ActiveState"] == "active"
    service.does("systemctl", "stop", "earwitness-mqtt")


def test_the_doctor_finds_nothing_wrong_with_the_service(service: Machine) -> None:
    hears(service, lambda text: text.startswith("talk "))
    found = json.loads(service.run(PROGRAM, "doctor", "--json", within_s=90).stdout)
    wrong = [finding for finding in found if finding["verdict"] == "wrong"]
    assert wrong == []
    assert {"units", "service", "stream talk", "template key", "control"} <= {
        each["subject"] for each in found
    }


def test_check_without_settings_looks_at_the_service(service: Machine) -> None:
    hears(service, lambda text: text.startswith("talk "))
    told = service.does(PROGRAM, "check", within_s=90)
    assert "(of the service earwitnessd, /etc/earwitness/earwitnessd.yaml)" in told
    assert " people in /var/lib/earwitness/profiles.db" in told
    assert told.count("the service earwitnessd answers, process ") == 2


def test_it_stops_in_under_two_seconds_and_says_why(service: Machine) -> None:
    hears(service, lambda text: text.startswith("talk "))
    began_s = time.monotonic()
    service.does("systemctl", "stop", UNIT)
    assert time.monotonic() - began_s < 2.0
    shown = service.show(UNIT)
    assert (shown["ActiveState"], shown["Result"]) == ("inactive", "success")
    entries = service.journal(f"_SYSTEMD_UNIT={UNIT}.service")
    last = [str(entry["MESSAGE"]) for entry in entries[-4:]]
    assert "stopping: SIGTERM" in last
    assert not list(service.path("/run").glob("earwitness/*"))


def test_uninstall_leaves_the_profiles_and_purge_nothing(service: Machine) -> None:
    told = service.does(PROGRAM, "uninstall")
    assert "kept     /var/lib/earwitness (voice profiles): --purge removes it" in told
    assert service.show(UNIT)["LoadState"] == "not-found"
    assert service.path("/var/lib/earwitness/profiles.db").exists()
    service.does(PROGRAM, "install", "--now", within_s=120)
    with control(service) as asked:
        assert [person.name for person in asked.profiles().profiles] == ["anna"]
    service.does(PROGRAM, "uninstall", "--purge")
    for path in ("/var/lib/earwitness", "/etc/earwitness", "/var/cache/earwitness"):
        assert not service.path(path).exists()
    assert service.show(UNIT)["LoadState"] == "not-found"
    assert "kept     the user" in service.does(PROGRAM, "uninstall", "--purge")  # a second time does no harm
