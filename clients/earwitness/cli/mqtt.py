"""`earwitness mqtt`: events as retained MQTT state, for Home Assistant among others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..control import Control, ControlError, NoDaemon
from ..subscription import subscribe
from .connection import USAGE, Connection, fail
from .stopping import ended_by_signals

PORT, TLS_PORT = 1883, 8883
ASK_S = 2.0


def mqtt(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="HOST", help="The broker.")] = "localhost",
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="1883, with --tls 8883.", min=1, max=65535, show_default=False),
    ] = None,
    username: Annotated[str | None, typer.Option(metavar="NAME", show_default=False)] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The password is its first line.", show_default=False)
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt, and check the broker's certificate.")] = False,
    ca_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Who vouches for it; default the system's.", show_default=False),
    ] = None,
    prefix: Annotated[str, typer.Option(metavar="TOPIC", help="Where our topics begin.")] = "earwitness",
    discovery: Annotated[
        str, typer.Option(metavar="TOPIC", help="Where Home Assistant looks; '' makes no entities.")
    ] = "homeassistant",
) -> None:
    """Keep an MQTT broker informed of who speaks. Home Assistant finds the entities by itself.

    For each stream: speaker (a name, "unknown" or "nobody"), speech, level. For each enrolled person:
    verified, on any stream. For each group: verified, that is anyone of it; for each watchlist: hit.
    Everything is retained; PREFIX/status says "offline" when the daemon or this program is gone.

    A voice is evidence, not a login.
    """
    try:
        from ..mqtt.bridge import Bridge
        from ..mqtt.broker import Address, Broker
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("paho"):
            raise
        fail("this needs the extra mqtt: pip install 'earwitness[mqtt]'", USAGE)
        raise
    from ..mqtt.home import TOPICS
    from ..mqtt.names import Names
    from ..mqtt.states import OFFLINE

    connection: Connection = context.obj
    names = Names(prefix=prefix, discovery=discovery)
    address = Address(
        host=host,
        port=port or (TLS_PORT if tls or ca_file else PORT),
        username=username,
        password=None if password_file is None else _first_line(password_file),
        tls=tls or ca_file is not None,
        ca_file=ca_file,
    )
    with (
        subscribe(
            connection.events, TOPICS, keys=connection.keys(), control=connection.control
        ) as subscription,
        ended_by_signals(subscription) as ending,
    ):
        broker = Broker(address, (names.status, OFFLINE), names.leftovers, subscription.wake)
        Bridge(
            subscription,
            broker,
            names,
            people=lambda: _people(connection),
            groups=lambda: _groups(connection),
            say=_say,
        ).run()
    raise typer.Exit(ending.status)


def _first_line(file: Path) -> str:
    password = file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    if not password:
        raise ValueError(f"{file} holds no password in its first line")
    return password


def _people(connection: Connection) -> list[str] | None:
    """Who is enrolled; None if we are not told: then those are shown whom we hear of."""
    try:
        with Control(connection.control, keys=connection.keys(), timeout_s=ASK_S) as control:
            return [person.name for person in control.profiles().profiles]
    except (NoDaemon, ControlError) as error:
        _say(f"who is enrolled is not known, people are shown once they speak: {error}")
        return None


def _groups(connection: Connection) -> dict[str, bool] | None:
    """By name, whether it is a watchlist; None if we are not told: then those are shown that we hear of."""
    try:
        with Control(connection.control, keys=connection.keys(), timeout_s=ASK_S) as control:
            return {group.name: group.watchlist for group in control.groups().groups}
    except (NoDaemon, ControlError) as error:
        _say(f"which groups there are is not known, they are shown once anyone of them speaks: {error}")
        return None


def _say(text: str) -> None:
    print(f"earwitness: {text}", file=sys.stderr, flush=True)
