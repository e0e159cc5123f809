"""Networks of their own behind veth cables that can be pulled: a bridge where we listen, and namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from contextlib import ExitStack
from types import TracebackType

NO_BRIDGE = "network namespaces cannot be made here"


def why_not() -> str:
    """What is missing here, for `pytest.mark.skipif`; empty when such networks can be made."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "makes network namespaces: needs root on Linux"
    if shutil.which("ip") is None or shutil.which("nsenter") is None:
        return "needs ip (iproute2) and nsenter (util-linux)"
    try:
        with Switch() as switch:
            switch.cable()
    except (subprocess.CalledProcessError, OSError) as error:
        said = getattr(error, "stderr", b"") or str(error).encode()
        return f"{NO_BRIDGE}: {said.decode(errors='replace').strip()}"
    return ""


class Cable:
    """One veth: its near end is on the bridge, its far end in a network of its own."""

    def __init__(self, near: str, enter: list[str], address: str) -> None:
        self.address = address
        # of the far end
        self.enter = enter
        # run a command by this prefix to have it there
        self._near = near

    def pull(self) -> None:
        """The far end loses its carrier, as when a plug is pulled."""
        ip("link", "set", self._near, "down")

    def plug(self) -> None:
        ip("link", "set", self._near, "up")


class Switch:
    """The bridge; `address` is where the far ends find us. All of it is gone on leaving."""

    def __enter__(self) -> Switch:
        self._name = f"ew{uuid.uuid4().hex[:6]}"
        self._net = f"10.199.{uuid.uuid4().int % 250 + 1}"
        self.address = f"{self._net}.1"
        self._cables: list[Cable] = []
        self._stack = ExitStack()
        try:
            ip("link", "add", self._name, "type", "bridge")
            self._stack.callback(ip, "link", "delete", self._name)
            ip("address", "add", f"{self.address}/24", "dev", self._name)
            ip("link", "set", self._name, "up")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def cable(self, pid: int | None = None) -> Cable:
        """To the network of a process, or to a new one."""
        number = len(self._cables) + 2
        near = f"{self._name}n{number}"
        if pid is None:
            ip("netns", "add", near)
            self._stack.callback(ip, "netns", "delete", near)  # and the cable with it
        else:
            self._stack.callback(
                subprocess.run, ["ip", "link", "delete", near], capture_output=True, check=False
            )
        enter = ["ip", "netns", "exec", near] if pid is None else ["nsenter", "-t", str(pid), "-n", "--"]
        ip(
            "link",
            "add",
            near,
            "type",
            "veth",
            "peer",
            "name",
            "far",
            "netns",
            near if pid is None else str(pid),
        )
        ip("link", "set", near, "master", self._name, "up")
        address = f"{self._net}.{number}"
        for command in (
            ("address", "add", f"{address}/24", "dev", "far"),
            ("link", "set", "far", "up"),
            ("link", "set", "lo", "up"),
        ):
            ip(*command, enter=enter)
        self._cables.append(Cable(near, enter, address))
        return self._cables[-1]


def ip(*arguments: str, enter: list[str] | None = None) -> None:
    subprocess.run([*(enter or []), "ip", *arguments], check=True, capture_output=True, timeout=10)
