"""Debouncing: a verdict counts once it has held for a while."""

from __future__ import annotations

import msgspec

from ..verdicts import Turn, Verdict


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A settled verdict gave way to another one that settled."""

    before: Verdict | None
    # None: nothing was known
    verdict: Verdict
    passed_over: int = 0
    # changes since the one last acted upon that were too short, or came while the command ran

    @property
    def stream(self) -> str:
        """Where."""
        return self.verdict.stream


class _Candidate(msgspec.Struct, frozen=True):
    turn: Turn
    due: float
    passed_over: int


class Settling:
    """The flicker of one stream or group does not hold up another's change."""

    def __init__(self, debounce_s: float, *, initial: bool = False) -> None:
        self._debounce_s = debounce_s
        self._initial = initial
        self._settled: dict[str, Verdict] = {}
        self._candidates: dict[str, _Candidate] = {}

    def on_turn(self, turn: Turn, now: float) -> None:
        """Begin to wait; back to what was settled, there is nothing to wait for."""
        about = turn.verdict.about
        if turn.found and not self._initial:
            self._settled[about] = turn.verdict
            return
        earlier = self._candidates.pop(about, None)
        settled = self._settled.get(about)
        unchanged = turn.verdict.identity == (settled.identity if settled else ("nobody", None))
        if unchanged and not turn.found:
            return
        passed_over = 0 if earlier is None else earlier.passed_over + 1
        self._candidates[about] = _Candidate(turn, now + self._debounce_s, passed_over)

    def due(self, now: float) -> list[Change]:
        """What has held long enough by now."""
        ripe = [about for about, candidate in self._candidates.items() if candidate.due <= now]
        changes = []
        for about in ripe:
            candidate = self._candidates.pop(about)
            verdict = candidate.turn.verdict
            before = self._settled.get(about)
            self._settled[about] = verdict
            changes.append(Change(before=before, verdict=verdict, passed_over=candidate.passed_over))
        return changes

    def next_due(self) -> float | None:
        """When to look again."""
        return min((candidate.due for candidate in self._candidates.values()), default=None)
