"""`earwitnessd templates`: the key that the voice templates are encrypted with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from earwitnessd.cli.installed import Meant, meant
from earwitnessd.cli.options import UNUSABLE, ConfigOption, SetOption, one_line

if TYPE_CHECKING:
    from earwitnessd.templates.key_file import KeyPlace

FAILED = 1
UP = {"active", "activating", "reloading"}
UserOption = Annotated[
    bool, typer.Option("--user", help="Your own profiles, where a service of the machine has some, too.")
]
app = typer.Typer(no_args_is_help=True)


@app.callback()
def _templates() -> None:
    """Look at, make and change the key that the voice templates are encrypted with.

    Without --config these are the profiles of the installed service, if there is one.
    """


@app.command()
def show(config: ConfigOption = None, overrides: SetOption = None, user: UserOption = False) -> None:
    """Say where database and key lie, whether they fit, and who lies there with which models."""
    from earwitnessd.profiles import ProfileStore, StoreError
    from earwitnessd.profiles.recordings import count_audio

    whose = meant(config, user=user)
    file, place = _places(whose, overrides)
    print(f"of        {whose.name}" if whose.service else "of        the settings, no service")
    print(f"database  {file}{'' if file.exists() else ' (does not exist yet)'}")
    print(
        f"key file  {place.file} ({_kind(whose, place)}{'' if place.file.exists() else ', does not exist'})"
    )
    if not file.exists() or not place.file.exists():
        raise typer.Exit
    try:
        store = ProfileStore(file, key=place)
        people = store.profiles()
        kept = count_audio(store.database)
        store.close()
    except StoreError as error:
        _fail(error)
    models = sorted({each.model_id for person in people for each in person.exemplars})
    sessions = sum(person.sessions for person in people)
    print(f"key       {store.key_id}")
    print(f"people    {len(people)}, {sessions} sessions, of {', '.join(models) or 'no model'}")
    print(f"audio     of {kept} sessions is kept, encrypted")
    for problem in store.unreadable:
        print(f"PROBLEM   {problem}")
    raise typer.Exit(FAILED if store.unreadable else 0)


@app.command("forget-audio")
def forget_audio_command(
    config: ConfigOption = None, overrides: SetOption = None, user: UserOption = False
) -> None:
    """Delete the audio that was kept of enrolments (enrolment.keep_audio); everybody stays enrolled."""
    from contextlib import closing

    from earwitnessd.profiles import ProfileStore, StoreError
    from earwitnessd.profiles.recordings import forget_audio

    file, place = _places(meant(config, user=user), overrides)
    if not file.exists():
        print(f"{file} does not exist: there is nothing to forget")
        return
    try:
        with closing(ProfileStore(file, key=place)) as store:
            forgotten = forget_audio(store.database)
    except StoreError as error:
        _fail(error)
    print(f"the audio of {forgotten} sessions is gone; another model will need these people to enrol again")


@app.command()
def rotate(
    config: ConfigOption = None,
    overrides: SetOption = None,
    new_key: Annotated[
        Path | None,
        typer.Option(
            help="Change to the key in this file, and leave the old key's file alone.", show_default=False
        ),
    ] = None,
    user: UserOption = False,
    now: Annotated[
        bool, typer.Option("--now", help="Stop the service that runs, and start it again afterwards.")
    ] = False,
) -> None:
    """Encrypt and turn all templates by a new key; the daemon must not run meanwhile.

    Everybody stays enrolled. Copies of the database and templates that were taken before are worth nothing
    to whoever has the new database, and match nobody in it.
    """
    from earwitnessd.profiles import StoreError
    from earwitnessd.profiles.rekeying import change_to, rotate_key

    whose = meant(config, user=user)
    file, place = _places(whose, overrides)
    if not file.exists():
        _fail(f"{file} does not exist: nobody is enrolled, and there is nothing to give another key")
    _refuse_sealed_credential(whose, place)
    with _standing_still(whose, now=now):
        try:
            done = change_to(file, place, new_key) if new_key else rotate_key(file, place)
        except StoreError as error:
            _fail(error)
        print(f"{file}: {done.templates} templates")
        print(f"key {done.old_id} until now, {done.new_id} from now on")
        if new_key and whose.service:
            print(f"put {new_key} in the place of {place.file} before the service starts")
        elif new_key:
            print(f"give {new_key} to the daemon before it starts: as its credential, or templates.key_file")
        else:
            print(f"it lies in {place.file}; copies of that file open nothing any more: make new ones")


@app.command("new-key")
def new_key_command(
    file: Annotated[Path, typer.Argument(help="Where to write it; it must not exist.")],
) -> None:
    """Make a key, for templates.key_file or as a systemd credential, before anybody is enrolled."""
    from earwitnessd.templates.errors import KeyFileError
    from earwitnessd.templates.key import TemplateKey
    from earwitnessd.templates.key_file import write_key

    key = TemplateKey.new()
    try:
        write_key(file, key)
    except FileExistsError:
        _fail(f"{file} exists already: a key is not overwritten")
    except KeyFileError as error:
        _fail(error)
    print(f"{file}: key {key.id}. Keep a copy of it away from the database: without it nobody is recognised")


def _places(whose: Meant, overrides: list[str] | None) -> tuple[Path, KeyPlace]:
    from earwitnessd.assemble import profile_file
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError
    from earwitnessd.templates.key_file import KeyPlace

    whose.look_as()
    try:
        settings = load(whose.config, overrides or ())
        file = profile_file(settings)
        file.exists()
    except SettingsError as error:
        print(f"earwitnessd: {one_line(error)}", file=sys.stderr)
        raise typer.Exit(UNUSABLE) from None
    except PermissionError:
        _fail(whose.not_yours)
    if whose.service and not whose.places.user and settings.templates.key_file == "auto":
        return file, KeyPlace(whose.places.template_key)
    return file, KeyPlace.find(settings.templates.key_file, file)


def _kind(whose: Meant, place: KeyPlace) -> str:
    if whose.service and place.file == whose.places.template_key:
        return "handed to the service as a systemd credential"
    if place.credential:
        return "systemd credential"
    return "beside the database" if place.beside else "as set"


def _refuse_sealed_credential(whose: Meant, place: KeyPlace) -> None:
    """Nothing is changed where the key would have to be taken out of somewhere first."""
    if whose.service and place.file == whose.places.template_key and not place.file.exists():
        _fail(
            f"{place.file} is not there. If the service gets an encrypted credential, take the key out of it "
            f"(systemd-creds decrypt --name=template.key SEALED {place.file}), rotate, encrypt the new one "
            "and delete the plain file; else restore it from a backup"
        )


@contextmanager
def _standing_still(whose: Meant, *, now: bool) -> Iterator[None]:
    """Refused while the service runs, unless it may be stopped for as long as this takes."""
    from earwitnessd.doctor.unit import ask_systemd
    from earwitnessd.install.errors import InstallError
    from earwitnessd.install.pausing import stopped
    from earwitnessd.install.work import Work

    runs = whose.service and ask_systemd(user=whose.places.user).get("ActiveState") in UP
    if not runs:
        yield
        return
    which = "systemctl --user" if whose.places.user else "systemctl"
    if not now:
        _fail(
            f"{whose.name} runs: `{which} stop earwitnessd`, rotate, `{which} start earwitnessd`; "
            "--now does all three"
        )
    try:
        with stopped(whose.places, Work(print)):
            yield
    except InstallError as error:
        _fail(error)


def _fail(error: Exception | str) -> NoReturn:
    print(f"earwitnessd: {error}", file=sys.stderr)
    raise typer.Exit(FAILED)
