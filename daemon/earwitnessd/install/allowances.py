"""What a unit must allow beyond the shipped one, for these settings and this installation. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from earwitnessd.access.tcp import address_of
from earwitnessd.install.places import Places
from earwitnessd.settings.addresses import parse_address
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import FileReplay, Pipe

HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"))  # by ProtectHome
EMPTIED = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - by PrivateTmp
PRIVATE_NETWORKS = "link-local 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"


def drop_in(settings: Settings, installation: Iterable[Path], places: Places) -> str:
    """The text of the daemon's drop-in; empty where the shipped unit is enough."""
    lines = [*_homes([*installation, *_read_by(settings)]), *_network(settings), *_writing(settings, places)]
    return _text([*lines, *_compiling(settings), *_groups(settings)])


def homes_drop_in(wanted: Iterable[Path]) -> str:
    """The text of a drop-in for a unit that needs no more than to see these."""
    return _text([*_homes(wanted)])


def _text(lines: Sequence[str]) -> str:
    return "\n".join(["[Service]", *lines, ""]) if lines else ""


def hidden(path: Path) -> bool:
    """Whether the shipped unit hides it from the daemon."""
    return any(path.is_relative_to(home) for home in HIDDEN)


def _homes(wanted: Iterable[Path]) -> Iterator[str]:
    shown = sorted({path for path in wanted if hidden(path)})
    shown = [path for path in shown if not any(other in path.parents for other in shown)]
    if shown:
        named = ", ".join(str(path) for path in shown)
        yield f"# {named}: in a home, hidden otherwise; whoever may write there can change the daemon"
        yield "ProtectHome=tmpfs"
        yield from (f"BindReadOnlyPaths={_quoted(path)}" for path in shown)


def _read_by(settings: Settings) -> Iterator[Path]:
    if settings.model.startswith(("/", "~")):
        yield Path(settings.model).expanduser()
    for source in settings.streams.values():
        if isinstance(source, FileReplay | Pipe) and source.path.startswith("/"):
            yield Path(source.path)


def _network(settings: Settings) -> Iterator[str]:
    metrics = settings.metrics.listen
    tcp = any(endpoint.startswith("tcp://") for endpoint in _bound(settings))
    remote = settings.engine.remote is not None and settings.engine.remote.over_tcp
    if not tcp and not metrics and not settings.follow and not remote:
        return
    asked = {
        "tcp sockets": tcp,
        "metrics": metrics,
        "a daemon to follow": settings.follow,
        "engines on other machines": remote,
    }
    what = " and ".join(name for name, wanted in asked.items() if wanted)
    far = not only_loopback(settings)
    yield f"# The settings have {what}{', for which private networks may connect' if far else ''}"
    yield "PrivateNetwork=no"
    yield "RestrictAddressFamilies=AF_INET AF_INET6"
    if any(each.startswith("tcp://") and not address_of(each) for each in _bound(settings)):
        yield "# libzmq looks an interface's name up, and aborts if it may not"
        yield "RestrictAddressFamilies=AF_NETLINK"
    yield f"IPAddressAllow=localhost{f' {PRIVATE_NETWORKS}' if far else ''}"


def _bound(settings: Settings) -> tuple[str, ...]:
    sockets = settings.sockets
    return sockets.events, sockets.control, sockets.satellites


def _reached(settings: Settings) -> tuple[str, ...]:
    remote = settings.engine.remote.addresses if settings.engine.remote else ()
    return (*remote, settings.follow.writer if settings.follow else "")


def only_loopback(settings: Settings) -> bool:
    """Whether the daemon is neither reached from other machines nor reaches them."""
    tcp = [
        endpoint.removeprefix("tcp://")
        for endpoint in (*_bound(settings), *_reached(settings))
        if endpoint.startswith("tcp://")
    ]
    try:
        return all(parse_address(each).is_loopback for each in [*tcp, settings.metrics.listen] if each)
    except ValueError:
        return False


def _writing(settings: Settings, places: Places) -> Iterator[str]:
    wanted = [Path(settings.profiles).parent] if settings.profiles != "auto" else []
    if settings.evidence.keep and settings.evidence.directory != "auto":
        wanted.append(Path(settings.evidence.directory))
    outside = sorted({path for path in wanted if not path.is_relative_to(places.state)})
    if outside:
        yield "# The settings keep files here"
        yield from (f"ReadWritePaths={_quoted(path)}" for path in outside)
        yield from (f"NoExecPaths={_quoted(path)}" for path in outside)


def _compiling(settings: Settings) -> Iterator[str]:
    if settings.engine.backend in {"auto", "compiled"}:
        yield "# engine.backend: what torch compiles is run from the cache"
        yield "ExecPaths=/var/cache/earwitness /tmp"


def _groups(settings: Settings) -> Iterator[str]:
    if settings.sockets.group not in {None, "earwitness"}:
        yield f"# sockets.group: only a member of {settings.sockets.group} may give it the sockets"
        yield f"SupplementaryGroups={settings.sockets.group}"
        yield "SystemCallFilter=@chown"


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
