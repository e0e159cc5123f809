"""Does the single steps of an installation, or only tells them, and says of each what it did."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from earwitnessd.install.errors import InstallError
from earwitnessd.install.units import OURS

COMMAND_WITHIN_S = 120.0


def programs_here() -> Path:
    """The folder of `earwitnessd` beside the Python that runs us."""
    programs = Path(sys.executable).absolute().parent
    if not (programs / "earwitnessd").exists():
        raise InstallError(
            f"there is no earwitnessd beside {sys.executable}: install earwitness into its environment"
        )
    return programs


class Work:
    """On this machine, or on the system below `root`."""

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        root: Path = Path("/"),
        dry_run: bool = False,
        programs: Path | None = None,
    ) -> None:
        """`programs` is the folder that units start earwitness from; None: `programs_here`."""
        self.root = root
        self.programs = programs or programs_here()
        self.dry_run = dry_run
        self.changed = False
        self._say = say

    def at(self, path: Path) -> Path:
        """Where a path of the service lies for us."""
        return self.root / path.relative_to("/")

    def say(self, verb: str, what: object) -> None:
        """One line; what a dry run would do is told as such."""
        self._say(
            f"{'would ' if self.dry_run and verb in _WOULD else ''}{_verb(verb, self.dry_run):<8} {what}"
        )

    def place(self, path: Path, text: str) -> None:
        """A file that is ours: replaced when it differs; somebody else's of that name is kept aside."""
        target = self.at(path)
        there = target.read_text(encoding="utf-8", errors="replace") if target.exists() else None
        if there == text:
            self.say("kept", f"{path} (as it was)")
            return
        if there is not None and not there.startswith(OURS):
            aside = target.with_name(f"{target.name}.before-install")
            if not self.dry_run:
                target.replace(aside)
            self.say("moved", f"{path} to {aside.name}: it was not placed by an installation of ours")
        if not self.dry_run:
            _write(target, text, 0o644)
        self.changed = True
        self.say("replaced" if there is not None else "wrote", path)

    def start_with(self, path: Path, text: str, mode: int, what: str) -> None:
        """A file that is the operator's once it is there."""
        if self.at(path).exists():
            self.say("kept", f"{path} ({what}: yours)")
            return
        if not self.dry_run:
            _write(self.at(path), text, mode)
        self.say("wrote", f"{path} ({what})")

    def amend(self, path: Path, text: str, what: str) -> None:
        """A file of the operator's, as he asked for."""
        if not self.dry_run:
            _write(self.at(path), text, 0o644)
        self.say("wrote", f"{path} ({what})")

    def make(self, path: Path, what: str, create: Callable[[Path], None]) -> None:
        """A key, made by `create` unless it is there."""
        if self.at(path).exists():
            self.say("kept", f"{path} ({what})")
            return
        if not self.dry_run:
            create(self.at(path))
        self.say("made", f"{path} ({what})")

    def move(self, path: Path, to: Path, what: str) -> None:
        """Rename, if it is there and the other is not."""
        if not self.at(path).exists() or self.at(to).exists():
            return
        if not self.dry_run:
            shutil.copyfile(self.at(path), _empty_private(self.at(to)))
            self.at(path).unlink()
        self.say("moved", f"{path} to {to} ({what})")

    def remove(self, path: Path, what: str = "") -> None:
        """A file or a folder, if it is there."""
        target = self.at(path)
        if not target.exists() and not target.is_symlink():
            return
        if not self.dry_run:
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink()
        self.changed = True
        self.say("removed", f"{path}{f' ({what})' if what else ''}")

    def remove_if_empty(self, directory: Path) -> None:
        """A folder that we made and that holds nothing of others."""
        target = self.at(directory)
        if target.is_dir() and not any(target.iterdir()) and not self.dry_run:
            target.rmdir()

    def run(self, *command: str, may_fail: bool = False) -> None:
        """A tool of systemd's."""
        if not self.dry_run:
            _run(command, may_fail=may_fail)
        self.say("ran", " ".join(command))


_DONE = {
    "wrote": "write",
    "replaced": "replace",
    "removed": "remove",
    "ran": "run",
    "made": "make",
    "moved": "move",
}
_WOULD = set(_DONE)


def _verb(verb: str, dry_run: bool) -> str:
    return _DONE.get(verb, verb) if dry_run else verb


def _write(target: Path, text: str, mode: int) -> None:
    """Whole or not at all, as nobody reads half a unit."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.write_text(text, encoding="utf-8")
    part.chmod(mode)
    part.replace(target)


def _empty_private(target: Path) -> Path:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return target


def _run(command: Sequence[str], *, may_fail: bool) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False)
    except FileNotFoundError:
        raise InstallError(f"{command[0]} is not on this machine: is it run by systemd?") from None
    except subprocess.TimeoutExpired:
        raise InstallError(f"{' '.join(command)}: no answer within {COMMAND_WITHIN_S:.0f} s") from None
    if done.returncode and not may_fail:
        raise InstallError(f"{' '.join(command)}: {done.stderr.strip() or f'exit status {done.returncode}'}")
