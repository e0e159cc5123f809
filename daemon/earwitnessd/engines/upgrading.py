"""Serves with one way of computing while others are built, and changes to what proved equal and faster."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from earwitnessd.engines import Compute, Vectors, Windows
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.timing import gain

log = logging.getLogger(__name__)

LEAST_GAIN = 1.05  # times as fast; less is not worth the memory


class Contender(Protocol):
    """A way of computing that takes long to build."""

    @property
    def name(self) -> str:
        """For people."""

    def build(self, samples: int) -> Compute:
        """For windows of this length, in batches of any size."""


@dataclass(frozen=True, eq=False, slots=True)
class _Chosen:
    samples: int
    compute: Compute


class Upgrading:
    """Computes in the engine thread; a thread of its own builds and tries the contenders, once."""

    def __init__(
        self, first: Compute, contenders: Sequence[Contender], least_gain: float = LEAST_GAIN
    ) -> None:
        self._first = first
        self._contenders = contenders
        self._least_gain = least_gain
        self._chosen: _Chosen | None = None
        # set by the building thread as a whole, read once for each batch
        self._builder: threading.Thread | None = None

    def __call__(self, prepared: Windows) -> Vectors:
        """Windows of the length that was tried are computed by the winner, all others as at the beginning."""
        chosen = self._chosen
        if chosen is not None and prepared.shape[1] == chosen.samples:
            return chosen.compute(prepared)
        return self._first(prepared)

    def start(self, speech: Windows) -> None:
        """Build and try the contenders with windows of this length; a second call changes nothing."""
        if self._builder is None and self._contenders:
            self._builder = threading.Thread(target=self._run, args=(speech,), name="backends", daemon=True)
            self._builder.start()

    def wait(self, timeout_s: float) -> bool:
        """Whether everything has been tried by then."""
        if self._builder is not None:
            self._builder.join(timeout_s)
        return self._builder is None or not self._builder.is_alive()

    def _run(self, speech: Windows) -> None:
        best, most = None, self._least_gain
        for contender in self._contenders:
            try:
                compute = contender.build(speech.shape[1])
                times = self._times_as_fast(contender.name, compute, speech)
            except Exception:
                log.exception("engine.backend: %s cannot be used; torch computes as before", contender.name)
                continue
            if times is not None and times >= most:
                best, most = _Chosen(speech.shape[1], compute), times
                log.info("engine.backend: %s computes from now on", contender.name)
                self._chosen = best

    def _times_as_fast(self, name: str, compute: Compute, speech: Windows) -> float | None:
        """As what served at the beginning; None: it does not give the same."""
        away = difference(compute(speech), self._first(speech))
        if not away.exact:
            log.warning("engine.backend: %s is off by %.1e, and not used", name, away.relative)
            return None
        times = gain(self._first, compute, speech[:1])
        log.info("engine.backend: %s is %.2f times as fast as torch", name, times)
        return times
