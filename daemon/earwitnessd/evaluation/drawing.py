"""The pictures of an evaluation, each on axes that it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from earwitnessd.evaluation.findings import StreamFindings, TrialFindings
from earwitnessd.evaluation.likelihood import reliability
from earwitnessd.evaluation.metrics import both_kinds, det_curve, probit
from earwitnessd.evaluation.report import Judged
from earwitnessd.evaluation.streaming import false_statements

INK, GREY, PALE, RED = "#1f2933", "#7b8794", "#d3d9df", "#c81e1e"
TARGET, OTHER = "#1f6fb4", "#d9822b"
PEOPLE = ("#1f6fb4", "#2e8b57", "#8e5bb5", "#c9962b", "#2a9d9d", "#b5508a", "#6b7f2a", "#a0522d")
RATES = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8)
# labelled on DET axes
LOWEST_RATE = 4e-4
ODDS = (0.01, 0.1, 0.5, 0.9, 0.99)
# labelled on the reliability diagram
LEAST_TRIALS = 30  # of each kind, for a curve of one's own
MOST_CURVES = 8
BARS = 60
LANE = 0.72
STYLE = {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#e6e9ed",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "path",
    "svg.hashsalt": "earwitness",
    "hatch.linewidth": 0.6,
}


def draw_det(axes: Axes, found: TrialFindings) -> None:
    """Misses against false matches on probit axes: all trials, and corpora with enough of their own."""
    parts = {name: found.judged[found.corpora == name] for name in found.report.corpora}
    kept = [name for name, part in parts.items() if _enough(part)][:MOST_CURVES]
    for name, colour in zip(kept, PEOPLE, strict=False):
        axes.plot(*_det(parts[name]), color=colour, lw=1.0, alpha=0.85, label=name)
    axes.plot(*_det(found.judged), color=INK, lw=2.2, label="pooled")
    low, high = probit(np.array([LOWEST_RATE, RATES[-1]]))
    axes.plot([low, high], [low, high], color=GREY, lw=0.8, ls=":")
    eer = found.report.eer or 0.0
    if LOWEST_RATE < eer < RATES[-1]:
        [at] = probit(np.array([eer]))
        axes.plot(at, at, "o", color=INK, ms=5)
        axes.annotate(
            f"EER {100 * eer:.1f} %",
            (at, at),
            (7, 6),
            textcoords="offset points",
            weight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
        )
    ticks, names = probit(np.array(RATES)), [f"{100 * rate:g}" for rate in RATES]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.grid(True)
    axes.set(title="Detection errors (DET)", xlabel="false matches, %", ylabel="misses, %")
    axes.legend(loc="best")


def draw_scores(axes: Axes, found: TrialFindings) -> None:
    """How the scores of targets and of others lie."""
    judged, report = found.judged, found.report
    scores = judged.scores if judged.llrs is None else judged.llrs
    edges = np.linspace(scores.min(), scores.max() + 1e-9, BARS + 1)
    kinds = ((judged.target, TARGET, "same speaker"), (~judged.target, OTHER, "different speakers"))
    for kind, colour, name in kinds:
        axes.hist(
            scores[kind],
            edges.tolist(),
            density=True,
            color=colour,
            alpha=0.55,
            label=f"{name} ({int(kind.sum())})",
            histtype="stepfilled",
        )
    bar = (report.thresholds or {}).get("0.01") if judged.llrs is None else judged.bars.get("0.01")
    if bar is not None:
        axes.axvline(bar, color=INK, lw=1, ls="--")
        axes.annotate(
            f" {bar:.2f}:\n 1 % false matches" if judged.llrs is None else f" {bar:.1f}:\n asked for 1 %",
            (bar, 0.98),
            xycoords=("data", "axes fraction"),
            va="top",
            fontsize=8,
        )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.margins(y=0.25)
    axes.set(title="Scores", xlabel="cosine" if judged.llrs is None else "log-likelihood ratio, nats")
    axes.legend(loc="upper left")


def draw_reliability(axes: Axes, found: TrialFindings) -> None:
    """What LLRs say, as probabilities at even odds, against what the labels then say."""
    judged, report = found.judged, found.report
    axes.set_title("Reliability")
    if judged.llrs is None:
        axes.set_axis_off()
        axes.text(
            0.5,
            0.5,
            "Cosines say nothing about odds.\nWith a calibration, this shows whether\nits likelihood ratios "
            f"are honest.\n\nBest possible Cllr: {report.min_cllr:.3f} bit",
            transform=axes.transAxes,
            ha="center",
            va="center",
            color=GREY,
        )
        return
    bins = reliability(judged.llrs, judged.target)
    said, seen = np.array([each.said for each in bins]), np.array([each.seen for each in bins])
    spread = np.array([[each.seen - each.low, each.high - each.seen] for each in bins]).T
    limit = 1.1 * float(max(6.0, np.abs(said).max()))
    axes.plot([-limit, limit], [-limit, limit], color=GREY, lw=0.8, ls=":", label="honest")
    axes.errorbar(said, seen, yerr=spread, fmt="o-", color=TARGET, ms=4, lw=1.2, elinewidth=0.8, label="seen")
    ticks = [float(np.log(odds / (1 - odds))) for odds in ODDS]
    names = [f"{100 * odds:g}" for odds in ODDS]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(-limit, limit)
    axes.set_aspect("equal")
    axes.grid(True)
    axes.set(xlabel="said to be the same speaker, at even odds, %", ylabel="seen, %")
    axes.text(
        0.97,
        0.03,
        f"Cllr {report.cllr:.3f}, at best {report.min_cllr:.3f} bit",
        transform=axes.transAxes,
        ha="right",
    )
    axes.legend(loc="upper left")


def draw_timeline(axes: Axes, found: StreamFindings, number: int, colours: Mapping[str, str]) -> None:
    """One recording: who spoke, and below, for each variant, who was said to speak."""
    shown = [variant.recordings[number] for variant in found.variants]
    truth = shown[0]
    for turn in truth.turns:
        known = turn.speaker in found.enrolled
        _bar(axes, 0, turn.start_s, turn.stop_s, colours.get(turn.speaker, PALE), known=known)
    for lane, heard in enumerate(shown, start=1):
        for claim in heard.claims:
            name = claim.speaker or ""
            _bar(axes, lane, claim.start_s, claim.stop_s, colours.get(name, PALE), known=bool(name))
        wrong = [statement.at_s for statement in false_statements(heard)]
        axes.plot(wrong, [lane - 0.5] * len(wrong), "v", color=RED, ms=6, clip_on=False, zorder=5)
    lanes = 1 + len(shown)
    axes.set_ylim(lanes - 0.5, -0.5)
    axes.set_xlim(0, truth.duration_s)
    axes.set_yticks(range(lanes), ["spoke", *(variant.name for variant in found.variants)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    axes.set_title(truth.name, fontsize=9)
    axes.xaxis.set_major_formatter("{x:g} s")


def colours_of(found: StreamFindings) -> dict[str, str]:
    """One for each enrolled person; strangers are grey."""
    return {name: PEOPLE[number % len(PEOPLE)] for number, name in enumerate(sorted(found.enrolled))}


def draw_key(axes: Axes, colours: Mapping[str, str]) -> None:
    """What the colours of timelines mean."""
    handles: list[Artist] = [Patch(color=colour, label=name) for name, colour in colours.items()]
    handles.append(Patch(facecolor=PALE, hatch="////", edgecolor="white", label="stranger, unknown voice"))
    handles.append(Line2D([], [], marker="v", color=RED, ls="", ms=6, label="false verify"))
    axes.set_axis_off()
    axes.legend(handles=handles, loc="center left", ncols=min(len(handles), 8), borderpad=0)


def _bar(axes: Axes, lane: int, start_s: float, stop_s: float, colour: str, *, known: bool) -> None:
    axes.broken_barh(
        [(start_s, stop_s - start_s)],
        (lane - LANE / 2, LANE),
        facecolor=colour,
        edgecolor="white",
        linewidth=0.6,
        hatch=None if known else "////",
        alpha=0.9,
    )


def _det(judged: Judged) -> Sequence[np.ndarray]:
    scores = judged.scores if judged.llrs is None else judged.llrs
    edges = probit(np.array([1e-6, 1 - 1e-6]))
    return [np.clip(probit(rates), *edges) for rates in det_curve(scores, judged.target)]


def _enough(judged: Judged) -> bool:
    targets = int(judged.target.sum())
    return both_kinds(judged.target) and min(targets, len(judged.target) - targets) >= LEAST_TRIALS
