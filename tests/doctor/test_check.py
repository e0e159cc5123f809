"""`earwitnessd check` looks at the installed service, unless other settings are named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from earwitnessd.install.places import SYSTEM, Places, users_places
from earwitnessd.profiles import ProfileStore
from tests.daemon.conftest import tiny_model
from tests.daemon.harness import Daemon
from tests.profiles.making import exemplar, voice

__all__ = ["tiny_model"]

pytestmark = pytest.mark.skipif(SYSTEM.unit.exists(), reason="a service of this machine's is installed")
NOBODY = 65534
QUIET = {"talk": {"source": "pipe", "path": "-", "paused": True}}


@pytest.fixture
def session(tmp_path: Path) -> Mapping[str, str]:
    """The environment of a user whose session has a service."""
    named = {
        f"XDG_{name}": str(tmp_path / name)
        for name in ("CONFIG_HOME", "DATA_HOME", "CACHE_HOME", "RUNTIME_DIR")
    }
    places = users_places(named, tmp_path)
    for folder in (places.units, places.config.parent, places.state, places.runtime):
        folder.mkdir(parents=True)
    places.unit.write_text("[Service]\n", encoding="utf-8")
    return {**os.environ, **named, "HOME": str(tmp_path)}


def places_of(session: Mapping[str, str]) -> Places:
    return users_places(session, Path(session["HOME"]))


def check(session: Mapping[str, str], *arguments: str, before: tuple[str, ...] = ()) -> tuple[int, str]:
    command = [*before, sys.executable, "-m", "earwitnessd", "check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=dict(session))
    return done.returncode, done.stdout + done.stderr


def test_without_settings_it_looks_at_the_services_own_people(
    session: Mapping[str, str], tiny_model: str
) -> None:
    places = places_of(session)
    places.config.write_text(yaml.safe_dump({"model": tiny_model, "streams": QUIET}), encoding="utf-8")
    with closing(ProfileStore(places.state / "profiles.db")) as store:
        store.add("anna", exemplar(voice(1, 24), "other@1"))
    status, text = check(session)
    assert status == 0, text
    assert f"(of the service of your session, {places.config})" in text
    assert f"0 people in {places.state / 'profiles.db'}" in text
    assert "anna: enrolled with another model (other@1)" in text
    assert text.count("nobody answers there: the service is not running") == 2
    assert not list(places.runtime.iterdir())  # its sockets are not touched


@pytest.mark.slow
def test_a_service_that_runs_holds_what_it_needs(session: Mapping[str, str], tiny_model: str) -> None:
    places = places_of(session)
    with Daemon(places.state, {"model": tiny_model, "streams": QUIET}) as daemon:
        shutil.copyfile(daemon.config, places.config)
        status, text = check(session)
        assert status == 0, text
        assert text.count(f"the service of your session answers, process {daemon.pid}") == 2
        status, text = check(session, "--config", str(daemon.config))
        assert status == 3
        assert "is in use by another earwitnessd" in text


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="gives up rights: needs root and setpriv"
)
def test_who_may_not_look_is_told_what_to_do(session: Mapping[str, str], tiny_model: str) -> None:
    places = places_of(session)
    places.config.write_text(yaml.safe_dump({"model": tiny_model, "streams": QUIET}), encoding="utf-8")
    places.state.chmod(0o700)
    os.chown(places.state, NOBODY, NOBODY)
    status, text = check(session, before=("setpriv", "--bounding-set=-dac_override,-dac_read_search"))
    assert status == 3
    assert "the profiles of the service of your session are not yours to look at: run it as root" in text
