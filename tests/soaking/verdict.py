"""Whether a soak was flat: figures, their trends, and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Any

from .leak import Leak, leak
from .sampling import Sample
from .soak import Diary
from .trend import Trend, trend

MOST_IN_USE_MB = 0.6  # that a heap's use may grow by in both halves of the time: what fills up slowly ...
MOST_IN_USE_MB_PER_HOUR = 6.0  # ... and for each hour; a leak of 50 kB a fault would be 36
MOST_AT_ONCE_MB = 3.0  # besides, and not again
MOST_RESIDENT_MB = 10.0  # that memory may grow by that is not in use: holes between what is
MOST_GROWTH_MS = 150.0  # of the median latency of five seconds; other programs run here, too
MOST_BACK_S = 20.0
SLICE_S = 5.0
COUNTS = ("descriptors", "threads", "children")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one soak."""

    minutes: float
    trends: dict[str, Trend]
    latency_ms: dict[str, float]
    at_rest: dict[str, tuple[float, float]]
    # before and after
    in_use: Leak
    # of the heap
    back_s: dict[str, float]
    # the longest after each fault
    faults: dict[str, int]
    objections: list[str]

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def judge(diary: Diary) -> Verdict:
    """All of it."""
    warm = [each for each in diary.samples if each.at_s >= diary.warm_s]
    trends = {
        "memory MB": _trend(warm, lambda each: each.rss_mb),
        "capture memory MB": _trend(warm, lambda each: each.children_rss_mb / max(1, each.children)),
        "descriptors": _trend(warm, lambda each: each.descriptors),
        "threads": _trend(warm, lambda each: each.threads),
        "children": _trend(warm, lambda each: each.children),
        "latency ms": _latency(diary),
    }
    totals = [total for _, total in diary.latencies_ms]
    percent = quantiles(totals, n=100)
    back: dict[str, float] = {}
    for fault, seconds in diary.back_s:
        back[fault] = max(seconds, back.get(fault, 0.0))
    verdict = Verdict(
        minutes=diary.plan.minutes,
        trends=trends,
        latency_ms={"p50": median(totals), "p95": percent[94], "p99": percent[98]},
        at_rest=_at_rest(diary),
        in_use=leak([rest.at_s for rest in diary.rests], [rest.in_use_mb for rest in diary.rests]),
        back_s=dict(sorted(back.items())),
        faults=dict(sorted(diary.faults.items())),
        objections=[],
    )
    verdict.objections.extend(_objections(diary, verdict))
    return verdict


def _trend(samples: Sequence[Sample], figure: Callable[[Sample], float]) -> Trend:
    return trend([each.at_s for each in samples], [figure(each) for each in samples])


def _latency(diary: Diary) -> Trend:
    """Medians of slices: a fault makes a few windows late, and they are not what grows."""
    slices: dict[int, list[float]] = {}
    for at_s, total in diary.latencies_ms:
        if at_s >= diary.warm_s:
            slices.setdefault(int(at_s / SLICE_S), []).append(total)
    return trend([SLICE_S * number for number in slices], [median(each) for each in slices.values()])


def _at_rest(diary: Diary) -> dict[str, tuple[float, float]]:
    before, after = diary.quiet
    assert before is not None
    assert after is not None
    counts = {name: (getattr(before, name), getattr(after, name)) for name in COUNTS}
    return {"resident MB": (diary.rests[0].own_mb, diary.rests[-1].own_mb), **counts}


def _objections(diary: Diary, verdict: Verdict) -> list[str]:
    found = []
    in_use = verdict.in_use
    allowed_mb = MOST_IN_USE_MB + MOST_IN_USE_MB_PER_HOUR * in_use.minutes / 60
    if in_use.growth_mb > allowed_mb:
        found.append(
            f"memory in use grows by {in_use.rate:.2f} MB a minute, {in_use.growth_mb:.1f} MB in all: "
            f"at most {allowed_mb:.1f}"
        )
    elif in_use.last_mb - in_use.first_mb > allowed_mb + MOST_AT_ONCE_MB:
        found.append(f"memory in use: {in_use.first_mb:.1f} MB at first, {in_use.last_mb:.1f} MB at last")
    before_mb, after_mb = verdict.at_rest["resident MB"]
    if after_mb - before_mb > allowed_mb + MOST_RESIDENT_MB:
        found.append(f"memory at rest: {before_mb:.0f} MB before, {after_mb:.0f} MB after")
    if verdict.trends["latency ms"].at_least > MOST_GROWTH_MS:
        found.append(f"latency grew by {verdict.trends['latency ms'].growth:.0f} ms")
    for name in COUNTS:
        before, after = verdict.at_rest[name]
        if after > before:
            found.append(f"{name} at rest: {before:.0f} before, {after:.0f} after")
    found += [
        f"{fault}: {back_s:.1f} s until all streams were live"
        for fault, back_s in verdict.back_s.items()
        if back_s > MOST_BACK_S
    ]
    if len(diary.boots) != 1:
        found.append(f"{len(diary.boots)} boots: it was restarted")
    return found


def table(verdict: Verdict) -> str:
    """Markdown."""
    rows = ["| figure | first | last | growth (95 %) |", "|---|---|---|---|"]
    rows += [
        f"| {name} | {each.first:.1f} | {each.last:.1f} | {each.growth:+.1f} ± {each.bound:.1f} |"
        for name, each in verdict.trends.items()
    ]
    use = verdict.in_use
    rows += ["", "| at rest | first | last | MB a minute (95 %) |", "|---|---|---|---|"]
    rows += [
        f"| memory in use MB | {use.first_mb:.1f} | {use.last_mb:.1f} | "
        f"{use.rate:+.2f} ({use.at_least:+.2f} to {use.at_most:+.2f}) |"
    ]
    rows += ["", "| at rest | before | after |", "|---|---|---|"]
    rows += [f"| {name} | {a:.0f} | {b:.0f} |" for name, (a, b) in verdict.at_rest.items()]
    rows += ["", "| fault | times | longest until all streams were live |", "|---|---|---|"]
    back = {name: f"{seconds:.1f} s" for name, seconds in verdict.back_s.items()}
    rows += [
        f"| {name} | {times} | {back.get(name, 'with another')} |" for name, times in verdict.faults.items()
    ]
    latency = ", ".join(f"{name} {value:.0f} ms" for name, value in verdict.latency_ms.items())
    end = "\n".join(f"- {each}" for each in verdict.objections) or "Flat."
    return "\n".join([*rows, "", f"Latency of all windows: {latency}.", "", end])
