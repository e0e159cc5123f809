from __future__ import annotations

import os
import shutil
import stat
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from earwitnessd.engines.amx.sources import KERNELS
from earwitnessd.install.allowances import drop_in
from earwitnessd.install.installing import compiled, install, uninstall
from earwitnessd.install.places import SYSTEM, SYSUSERS, UNIT
from earwitnessd.install.units import HOOKS, PLACED, shipped
from earwitnessd.install.work import Work
from earwitnessd.native.compiling import CompileError, Sources
from earwitnessd.native.cpu import lacks_tiles
from earwitnessd.profiles import ProfileStore
from earwitnessd.settings.remote import Remote
from earwitnessd.settings.root import Engine, Evidence, Metrics, Settings, Sockets
from earwitnessd.speech.silero_compiled import GATE
from earwitnessd.templates.key_file import KeyPlace
from tests.profiles.making import exemplar, voice

BASE = Settings(sockets=Sockets(group="earwitness"))
PROGRAMS = Path("/opt/earwitness/bin")
# wherever these tests run
OUTSIDE = [Path("/opt/earwitness")]


def changed(**fields: object) -> Settings:
    return msgspec.structs.replace(BASE, **fields)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Of a system that is not this one."""
    if any(shutil.which(tool) is None for tool in ("systemctl", "systemd-sysusers", "systemd-tmpfiles")):
        pytest.skip("needs systemd's tools")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    return tmp_path / "image"


def test_installing_twice_changes_nothing_the_second_time(image: Path) -> None:
    told: list[str] = []
    install(SYSTEM, Work(told.append, root=image, programs=PROGRAMS), start=False)
    assert any(line.startswith("wrote") and str(SYSTEM.unit) in line for line in told)
    before = {file: file.read_bytes() for file in image.rglob("*") if file.is_file()}
    told.clear()
    again = Work(told.append, root=image, programs=PROGRAMS)
    install(SYSTEM, again, start=False)
    assert not again.changed
    assert not any(line.startswith(("wrote", "made", "replaced", "moved")) for line in told)
    assert {file: file.read_bytes() for file in image.rglob("*") if file.is_file()} == before


def test_secret_keys_are_roots_alone_and_the_unit_is_enabled(image: Path) -> None:
    install(SYSTEM, Work(lambda _: None, root=image, programs=PROGRAMS), start=False)
    keys = image / SYSTEM.keys.relative_to("/")
    assert {file.name for file in keys.iterdir() if stat.S_IMODE(file.stat().st_mode) == 0o600} == {
        "template.key",
        "earwitnessd.key_secret",
    }
    assert (image / "etc/systemd/system/multi-user.target.wants" / UNIT).is_symlink()
    assert "earwitness" in (image / "etc/passwd").read_text()


def test_a_unit_of_somebody_elses_is_kept_aside_and_settings_are_never_touched(image: Path) -> None:
    unit, config = (image / path.relative_to("/") for path in (SYSTEM.unit, SYSTEM.config))
    for file, text in ((unit, "[Service]\n"), (config, "log_level: debug\n")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    install(SYSTEM, Work(lambda _: None, root=image, programs=PROGRAMS), start=False)
    assert unit.with_name(f"{UNIT}.before-install").read_text() == "[Service]\n"
    assert unit.read_text().startswith(PLACED)
    assert config.read_text() == "log_level: debug\n"


def test_uninstall_keeps_what_is_the_operators_and_purge_does_not(image: Path) -> None:
    install(SYSTEM, Work(lambda _: None, root=image, programs=PROGRAMS), start=False)
    state = image / SYSTEM.state.relative_to("/")
    state.mkdir(parents=True)
    uninstall(SYSTEM, Work(lambda _: None, root=image, programs=PROGRAMS), purge=False)
    assert not (image / SYSTEM.unit.relative_to("/")).exists()
    assert not (image / SYSUSERS.relative_to("/")).exists()
    assert (image / SYSTEM.template_key.relative_to("/")).exists()
    assert state.exists()
    uninstall(SYSTEM, Work(lambda _: None, root=image, programs=PROGRAMS), purge=True)
    assert not (image / "etc/earwitness").exists()
    assert not state.exists()


def test_a_dry_run_touches_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    install(SYSTEM, Work(told.append, root=tmp_path, programs=PROGRAMS, dry_run=True), start=False)
    assert list(tmp_path.iterdir()) == []
    assert any(line.startswith("would write") for line in told)


def test_a_key_that_lay_beside_the_profiles_goes_on_being_the_key(image: Path) -> None:
    beside = image / "var/lib/earwitness/profiles.db.key"
    beside.parent.mkdir(parents=True)
    beside.write_text("0" * 64 + "\n")
    install(SYSTEM, Work(lambda _: None, root=image, programs=PROGRAMS), start=False)
    moved = image / SYSTEM.template_key.relative_to("/")
    assert moved.read_text() == "0" * 64 + "\n"
    assert stat.S_IMODE(moved.stat().st_mode) == 0o600
    assert not beside.exists()


def test_no_new_key_is_made_for_profiles_whose_key_is_gone(image: Path) -> None:
    file = image / "var/lib/earwitness/profiles.db"
    place = KeyPlace(image / "elsewhere.key")
    with closing(ProfileStore(file, key=place)) as store:
        store.add("anna", exemplar(voice(1)))
    told: list[str] = []
    install(SYSTEM, Work(told.append, root=image, programs=PROGRAMS), start=False)
    assert not (image / SYSTEM.template_key.relative_to("/")).exists()
    (said,) = [line for line in told if line.startswith("MISSING")]
    assert "/etc/earwitness/keys/template.key: there are voice profiles" in said


def test_the_shipped_unit_is_enough_for_the_usual_settings() -> None:
    assert drop_in(BASE, OUTSIDE, SYSTEM) == ""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (changed(metrics=Metrics(listen="127.0.0.1:9464")), "IPAddressAllow=localhost"),
        (
            changed(metrics=Metrics(listen="0.0.0.0:9464", insecure=True)),
            "IPAddressAllow=localhost link-local 10.",
        ),
        (changed(sockets=Sockets(events="tcp://0.0.0.0:7801", insecure=True)), "PrivateNetwork=no"),
        (
            changed(sockets=Sockets(events="tcp://eth0:7801", insecure=True)),
            "RestrictAddressFamilies=AF_NETLINK",
        ),
        (changed(evidence=Evidence(keep=True, directory="/srv/clips")), "ReadWritePaths=/srv/clips"),
        (changed(engine=Engine(backend="compiled")), "ExecPaths=/var/cache/earwitness"),
        (
            changed(engine=Engine(remote=Remote(addresses=("tcp://rack:7803",), insecure=True))),
            "IPAddressAllow=localhost link-local 10.",
        ),
        (changed(sockets=Sockets(group="staff")), "SupplementaryGroups=staff"),
        (changed(model="/home/ann/model"), "BindReadOnlyPaths=/home/ann/model"),
    ],
)
def test_settings_that_need_more_are_allowed_it(settings: Settings, expected: str) -> None:
    assert expected in drop_in(settings, OUTSIDE, SYSTEM)


def test_a_socket_on_an_address_needs_no_look_at_the_interfaces() -> None:
    tcp = changed(sockets=Sockets(events="tcp://0.0.0.0:7801", control="tcp://127.0.0.1:7802", insecure=True))
    assert "AF_NETLINK" not in drop_in(tcp, OUTSIDE, SYSTEM)


def test_an_installation_in_a_home_is_shown_to_the_service_and_nothing_else_of_it() -> None:
    text = drop_in(BASE, [Path("/home/ann/venv"), Path("/home/ann/venv/lib"), Path("/usr")], SYSTEM)
    assert text.splitlines()[2:] == ["ProtectHome=tmpfs", "BindReadOnlyPaths=/home/ann/venv"]


def test_every_unit_is_shipped() -> None:
    for name in (UNIT, f"user/{UNIT}", *HOOKS, "earwitness.udev.rules"):
        assert shipped(name)


@pytest.mark.parametrize(
    "sources",
    [
        GATE,
        pytest.param(KERNELS, marks=pytest.mark.skipif(lacks_tiles() is not None, reason=str(lacks_tiles()))),
    ],
    ids=lambda sources: sources.name,
)
def test_what_is_compiled_lies_where_the_service_finds_it_and_goes_with_it(
    image: Path, sources: Sources
) -> None:
    told: list[str] = []
    work = Work(told.append, root=image, programs=PROGRAMS)
    install(SYSTEM, work, start=False)
    there = compiled(sources, work)
    made = image / "opt/earwitness/lib/earwitness" / there.name
    assert made.is_file()
    assert f"made     {there} ({sources.what})" in told
    install(SYSTEM, work, start=False)
    assert f"kept     {there} ({sources.what})" in told
    uninstall(SYSTEM, Work(told.append, root=image, programs=PROGRAMS), purge=False)
    assert not made.parent.exists()


def test_without_a_compiler_it_installs_all_the_same_and_says_what_is_missing(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise CompileError("there is no C compiler")

    monkeypatch.setattr(Sources, "compile", refuse)
    told: list[str] = []
    install(SYSTEM, Work(told.append, root=image, programs=PROGRAMS), start=False)
    (missing,) = [line for line in told if GATE.what in line]
    assert missing.startswith("MISSING")
    assert "there is no C compiler" in missing
