"""Asks remote engines first, computes here what does not come in time, and returns by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from earwitnessd.engines import Embedder, Vectors, Windows
from earwitnessd.engines.degrading import Change
from earwitnessd.engines.remote.figures import RemoteFigures
from earwitnessd.engines.remote.link import RemoteError, Tally, WrongModelError
from earwitnessd.engines.remote.wire import Int16, from_int16, to_int16
from earwitnessd.engines.returning import Pauses, Returning, in_a_thread

log = logging.getLogger(__name__)

PAUSES = Pauses(first_s=1.0, longest_s=30.0, steady_s=60.0)
WARM_WITHIN_S = 10.0
# the first windows of a length take an engine longer
NOBODY = "nothing"


@dataclass(frozen=True, slots=True)
class Terms:
    """How long is waited, and how often in vain."""

    deadline_s: float = 1.0
    # for a batch of live windows, wherever it is computed
    failures: int = 3
    # in a row, then the link is given up


class Gate(Protocol):
    """A `Link`, as far as it is used here."""

    device: str

    def ask(self, samples: Int16, within_s: float) -> tuple[Vectors | None, str]:
        """As `Link.ask`."""

    def close(self) -> None:
        """Nothing is waited for."""


class RemoteFirst:
    """Belongs to the engine thread; a thread of its own opens a lost link again and tries it.

    All windows are rounded to 16 bits, those that are computed here too: so an embedding does not depend on
    where it was computed. A 16-bit source loses nothing by that.
    """

    def __init__(
        self,
        name: str,
        model_id: str,
        open_gate: Callable[[], Gate],
        local: Embedder | None,
        terms: Terms,
        tally: Tally,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = in_a_thread,
    ) -> None:
        self.model_id = model_id
        self._name = name
        self._local = local
        self._terms = terms
        self._tally = tally
        self._clock = clock
        self._returning = Returning(name, open_gate, PAUSES, clock=clock, start=start)
        self._figures = RemoteFigures()
        self._dimensions = 1
        # unknown until something has been embedded
        self._local_window_s = 0.0
        # what the local engine takes for a window, of late
        self._failures = 0
        # in a row
        self._changes: list[Change] = []
        self._gate: Gate | None = None
        try:
            self._gate = open_gate()
        except RemoteError as error:
            self._lose(str(error))

    @property
    def device(self) -> str:
        """For people: where it computes at present."""
        if self._gate is not None:
            return f"{self._name} ({self._gate.device})"
        return f"{self._instead}, in place of {self._name}"

    @property
    def lost(self) -> str:
        """Why nothing is computed there; empty: it is."""
        return self._returning.lost

    @property
    def last_loss(self) -> str:
        """Why not, when that was last so; empty: it always was."""
        return self._returning.last_loss

    def changes(self) -> list[Change]:
        """Since the last call."""
        self._come_back()
        told, self._changes = self._changes, []
        return told

    def figures(self) -> RemoteFigures:
        """What became of all windows."""
        return self._figures.with_requests(self._tally)

    def embed(self, windows: Windows) -> Vectors:
        """All of them: what does not come from there in time is computed here, however long it takes.

        Without a local engine their rows are NaN.
        """
        return self._embed(windows, in_time=False)

    def embed_in_time(self, windows: Windows) -> Vectors:
        """Within the deadline: rows of the oldest windows, which come first, are NaN where time was short."""
        return self._embed(windows, in_time=True)

    def warm_up(self, window_samples: int, batch: int) -> None:
        """Both sides; a remote one that cannot is given up at once."""
        noise = np.random.default_rng(0).normal(0.0, 0.1, (batch, window_samples)).astype(np.float32)
        if self._local:
            self._local.warm_up(window_samples, batch)
            self._from_local(to_int16(noise[:1]))
        if self._gate is not None:
            self._from_remote(to_int16(noise), WARM_WITHIN_S)
            if self._failures:
                self._lose(self._figures.last_failure)

    def _embed(self, windows: Windows, *, in_time: bool) -> Vectors:
        until_s = self._clock() + self._terms.deadline_s
        self._come_back()
        samples = to_int16(windows)
        asked = self._gate is not None
        found = self._from_remote(samples, self._remote_share_s(len(samples))) if asked else None
        vectors = self._empty(len(samples)) if found is None else found
        missing = np.flatnonzero(np.isnan(vectors).any(axis=1))
        self._figures.remote += len(samples) - len(missing)
        here = (
            missing[len(missing) - self._affordable(len(missing), until_s, asked) :] if in_time else missing
        )
        if self._local and len(here):
            computed = self._from_local(samples[here])
            vectors = vectors if vectors.shape[1] == computed.shape[1] else self._empty(len(samples))
            vectors[here] = computed
            self._figures.local += len(here)
            missing = np.setdiff1d(missing, here)
        self._figures.dropped += len(missing)
        vectors[~np.isfinite(windows).all(axis=1)] = np.nan
        return vectors

    def _remote_share_s(self, windows: int) -> float:
        """Of the deadline: at least half of it, and all that computing these windows here would leave."""
        whole_s = self._terms.deadline_s
        needed_s = windows * self._local_window_s if self._local else 0.0
        return max(whole_s / 2, whole_s - needed_s)

    def _affordable(self, windows: int, until_s: float, asked: bool) -> int:
        """How many the local engine computes in the time that is left; one, if nobody else was asked."""
        left_s = max(0.0, until_s - self._clock())
        fitting = int(left_s / self._local_window_s) if self._local_window_s else windows
        return min(windows, max(fitting, 0 if asked else 1))

    def _from_remote(self, samples: Int16, within_s: float) -> Vectors | None:
        assert self._gate is not None
        try:
            vectors, trouble = self._gate.ask(samples, within_s)
        except WrongModelError as error:
            self._lose(str(error))
            return None
        if vectors is not None:
            self._dimensions = vectors.shape[1]
        self._failures = self._failures + 1 if trouble else 0
        if trouble:
            self._figures.last_failure = trouble
            self._figures.failures += 1
            log.debug("%s: %s", self._name, trouble)
        if self._failures >= self._terms.failures:
            self._lose(trouble)
        return vectors

    def _from_local(self, samples: Int16) -> Vectors:
        assert self._local
        began_s = self._clock()
        vectors = self._local.embed(from_int16(samples))
        taken_s = (self._clock() - began_s) / len(samples)
        self._local_window_s = (self._local_window_s + taken_s) / 2 if self._local_window_s else taken_s
        self._dimensions = vectors.shape[1]
        return vectors

    def _empty(self, rows: int) -> Vectors:
        return np.full((rows, self._dimensions), np.nan, np.float32)

    @property
    def _instead(self) -> str:
        return self._local.device if self._local else NOBODY

    def _lose(self, why: str) -> None:
        if self._gate is not None:
            self._gate.close()
            self._gate = None
        self._failures = 0
        self._returning.lose(why, self._name, self._instead)
        self._changes.append(Change(self.device, why))

    def _come_back(self) -> None:
        if self._gate is None and (gate := self._returning.back()) is not None:
            self._gate = gate
            log.info("%s computes again, after %.0f s", self._name, self._returning.away_s)
            self._changes.append(Change(self.device, "", self._returning.away_s))
