"""Show a training run: a progress bar on a terminal, a line a minute elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from earwitnessd.training.loop import Progress


class TrainingDisplay:
    """Owned by the thread that trains."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(), console=self._console, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("starting", total=1.0)
        self._printed_minutes = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._console.print(line, soft_wrap=True, highlight=False)

    def decoding(self, done: int, total: int) -> None:
        """The pool is being decoded."""
        self._bar.update(self._task, description=f"decoding clip {done} of {total}", completed=done / total)

    def progress(self, now: Progress) -> None:
        """A step was done."""
        dev = "" if now.dev_eer is None else f", dev EER {now.dev_eer:.1%}"
        line = (
            f"step {now.step}, {now.minutes:.1f} min, rate {now.learning_rate:.1e}, loss {now.loss:.3f}{dev}"
        )
        self._bar.update(self._task, description=line, completed=now.done)
        if not self._console.is_terminal and (now.minutes - self._printed_minutes >= 1.0 or now.done >= 1.0):
            self._printed_minutes = now.minutes
            self.say(line)
