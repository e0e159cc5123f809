"""The figures in words, alike on the terminal and in the report."""

from __future__ import annotations

from collections.abc import Mapping

from earwitnessd.evaluation.findings import StreamFindings
from earwitnessd.evaluation.report import Rate, Report, Summary
from earwitnessd.evaluation.streaming import Delay, StreamFigures

NOTHING = "-"
ERROR_COLUMNS = ("trials", "EER %", "minDCF(0.01)", "minDCF(0.05)", "actDCF(0.01)")
LIKELIHOOD_COLUMNS = ("FNMR % at FMR 1 %", "at 0.1 %", "at 0.01 %", "Cllr", "min Cllr")
POINT_COLUMNS = ("LLR to reach", "FMR %", "false matches", "FNMR %")
STREAM_ROWS = (
    "hours of audio",
    "time to verify, median s",
    "time to verify, 90 % s",
    "turns of the enrolled",
    "missed turns",
    "time to notice a change, median s",
    "time to notice a change, 90 % s",
    "changes",
    "unnoticed changes",
    "false verifies",
    "false verifies an hour",
    "s of others' speech under a name",
)


def title_of(report: Report) -> str:
    """What was judged, and by what."""
    scores = "calibrated LLR" if report.calibration else "cosine"
    return f"{report.model}: {report.trials} trials by {scores}"


def rows_of(report: Report) -> list[tuple[int, str, Summary]]:
    """Every row with the number of the group it belongs to."""
    groups: tuple[Mapping[str, Summary], ...] = ({"pooled": report}, report.corpora, report.durations)
    return [(number, name, row) for number, group in enumerate(groups) for name, row in group.items()]


def error_cells(row: Summary) -> list[str]:
    """In the order of ERROR_COLUMNS."""
    least, actual = row.min_dcf or {}, row.act_dcf or {}
    costs = (least.get("0.01"), least.get("0.05"), actual.get("0.01"))
    return [str(row.trials), _percent(row.eer), *(_figure(cost) for cost in costs)]


def likelihood_cells(row: Summary) -> list[str]:
    """In the order of LIKELIHOOD_COLUMNS."""
    misses = row.fnmr or {}
    rates = (misses.get(rate) for rate in ("0.01", "0.001", "0.0001"))
    return [*(_rate(rate) for rate in rates), _figure(row.cllr, 3), _figure(row.min_cllr, 3)]


def point_rows(report: Report) -> list[tuple[str, list[str]]]:
    """For each false-match rate that was asked for, what is reached, in the order of POINT_COLUMNS."""
    return [
        (
            f"{100 * float(name):g} % asked for",
            [
                _figure(point.llr),
                f"{100 * point.fmr:.2f}",
                str(point.false_matches),
                _percent(point.fnmr),
            ],
        )
        for name, point in (report.operating_points or {}).items()
    ]


def stream_cells(figures: StreamFigures) -> list[str]:
    """In the order of STREAM_ROWS."""
    return [
        f"{figures.hours:.2f}",
        *_delay(figures.time_to_verify_s),
        str(figures.turns),
        _share(figures.missed_turns, figures.turns),
        *_delay(figures.time_to_notice_s),
        str(figures.changes),
        _share(figures.unnoticed_changes, figures.changes),
        str(figures.false_verifies),
        _hourly(figures),
        f"{figures.mistaken_s:.0f}",
    ]


def refusals(found: StreamFindings) -> list[str]:
    """Who was not enrolled, by whom, and why."""
    return [
        f"{variant.name} did not enrol {speaker}, whose turns are missed: {why}"
        for variant in found.variants
        for speaker, why in variant.refused.items()
    ]


def _percent(fraction: float | None) -> str:
    return NOTHING if fraction is None else f"{100 * fraction:.1f}"


def _figure(value: float | None, digits: int = 2) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return NOTHING
    return f"{100 * rate.rate:.1f} [{100 * rate.low:.0f}-{100 * rate.high:.0f}]"


def _delay(delay: Delay | None) -> tuple[str, str]:
    return (NOTHING, NOTHING) if delay is None else (f"{delay.median:.1f}", f"{delay.p90:.1f}")


def _hourly(figures: StreamFigures) -> str:
    low, high = figures.false_verifies_per_hour_interval
    return f"{figures.false_verifies_per_hour:.1f} [{low:.1f}-{high:.1f}]"


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.0f} %)" if whole else NOTHING
