"""The service of a user's session, under that user's own service manager."""

from __future__ import annotations

import pytest
import yaml

from earwitness.control import Control
from tests.systemd.conftest import PROGRAM
from tests.systemd.machine import Machine, wait_until
from tests.systemd.test_service import TALK

pytestmark = pytest.mark.slow

SESSION = ("env", "XDG_RUNTIME_DIR=/run/user/0")


def test_a_user_installs_runs_and_removes_a_service_of_the_session(machine: Machine) -> None:
    refused = machine.run(*SESSION, PROGRAM, "install", "--user")
    assert refused.returncode == 2
    assert "there is no service manager of your session" in refused.stderr
    lingers = machine.run("loginctl", "enable-linger", "root")
    if lingers.returncode:
        pytest.skip(f"needs logind: {lingers.stderr.strip()}")
    manager = machine.path("/run/user/0/systemd/private")
    wait_until(manager.exists, 30.0, "no session")
    machine.does(*SESSION, PROGRAM, "install", "--user")
    config = machine.path("/root/.config/earwitness/earwitnessd.yaml")
    config.write_text(yaml.safe_dump({"streams": {"talk": TALK}}), encoding="utf-8")
    machine.does(*SESSION, PROGRAM, "install", "--user", "--now", within_s=120)
    with Control(f"ipc://{machine.path('/run/user/0/earwitness/control')}", timeout_s=20.0) as control:
        assert control.status().heartbeat.streams[0].stream == "talk"
    unit = machine.path("/root/.config/systemd/user/earwitnessd.service")
    assert unit.exists()
    told = machine.does(*SESSION, PROGRAM, "uninstall", "--user", "--purge")
    assert "removed  /root/.local/share/earwitness (voice profiles)" in told
    assert not unit.exists()
