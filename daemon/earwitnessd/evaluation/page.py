"""The report as one HTML document that needs nothing else: tables, and pictures as SVG inside it."""

from __future__ import annotations

import html
from collections.abc import Sequence

from earwitnessd.evaluation import cells
from earwitnessd.evaluation.findings import Findings, StreamFindings, TrialFindings
from earwitnessd.evaluation.panels import MOST_TIMELINES, drawn_timelines, drawn_trials
from earwitnessd.evaluation.report import Report
from earwitnessd.version import VERSION

CSS = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 1080px; margin: 2em auto }
h1 { font-size: 1.5em; margin-bottom: 0 }
h2 { font-size: 1.15em; margin: 2em 0 .4em }
p { max-width: 75ch; margin: .4em 0 }
.note { color: #5a6672; font-size: .9em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92em; margin: .6em 0 }
th, td { padding: .22em .8em; text-align: right }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
thead th { border-bottom: 1.5px solid #7b8794; font-weight: 600; vertical-align: bottom }
tbody + tbody tr:first-child td { border-top: 1px solid #d3d9df }
svg { max-width: 100%; height: auto }
"""
ABOUT_TRIALS = """
By corpus, and by net speech in the test recording. DCF: cost of the decisions where a target has that prior,
as a share of the cost of the better blind decision; min: at the best threshold, act: at the one that the
LLRs call for. FNMR: how many of the right people are turned away at a threshold that lets so many others in,
with its 95 % interval from resampling {resampled}s. Cllr: cost of the LLRs in bits; min: after the best
monotone mapping of the scores. {nothing}: too few trials to say, or no calibration.
"""
ABOUT_STREAMS = """
{enrolled} people are enrolled. Time to verify: from the beginning of a turn to the first speaker.verified,
over turns that were not missed. Time to notice: how long a claim outlives the change to another voice.
False verify: a claim that somebody is verified, made with a window that holds nothing of them; with the
95 % interval of so many chance events.
"""
ABOUT_TIMELINES = """
The upper lane is who spoke, each lane below it what was in force at each moment.{more}
"""


def page(findings: Findings) -> str:
    """Everything as one HTML document that needs nothing else."""
    parts = ["<h1>How well voices are told apart</h1>", f'<p class="note">earwitnessd {VERSION}</p>']
    if findings.trials:
        parts += _trial_parts(findings.trials)
    if findings.streams:
        parts += _stream_parts(findings.streams)
    head = f"<meta charset=utf-8><title>earwitness: evaluation</title><style>{CSS}</style>"
    return (
        f"<!doctype html><html lang=en><head>{head}</head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _trial_parts(found: TrialFindings) -> list[str]:
    return [
        f"<h2>{html.escape(cells.title_of(found.report))}</h2>",
        _svg(drawn_trials(found)),
        _table(
            ("", *cells.ERROR_COLUMNS),
            [(group, name, cells.error_cells(row)) for group, name, row in cells.rows_of(found.report)],
        ),
        _table(
            ("", *cells.LIKELIHOOD_COLUMNS),
            [(group, name, cells.likelihood_cells(row)) for group, name, row in cells.rows_of(found.report)],
        ),
        *_points(found.report),
        _note(ABOUT_TRIALS.format(resampled=found.report.resampled, nothing=cells.NOTHING)),
    ]


def _points(report: Report) -> list[str]:
    if not report.operating_points:
        return []
    rows = [(0, name, shown) for name, shown in cells.point_rows(report)]
    columns = ("false matches", *cells.POINT_COLUMNS)
    return [_table(columns, rows), _note(f"Calibration: {report.calibration}.")]


def _stream_parts(found: StreamFindings) -> list[str]:
    columns = [cells.stream_cells(variant.figures) for variant in found.variants]
    count = len(found.variants[0].recordings)
    more = f" The first {MOST_TIMELINES} of {count} are shown." if count > MOST_TIMELINES else ""
    return [
        "<h2>Recordings, replayed</h2>",
        _table(
            ("", *(variant.name for variant in found.variants)),
            [(0, name, list(row)) for name, *row in zip(cells.STREAM_ROWS, *columns, strict=True)],
        ),
        *(_note(line) for line in cells.refusals(found)),
        _note(ABOUT_STREAMS.format(enrolled=len(found.enrolled))),
        "<h2>Who spoke, and who was said to speak</h2>",
        _note(ABOUT_TIMELINES.format(more=more)),
        _svg(drawn_timelines(found)),
    ]


def _note(text: str) -> str:
    return f'<p class="note">{html.escape(text)}</p>'


def _table(columns: Sequence[str], rows: Sequence[tuple[int, str, Sequence[str]]]) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    bodies: dict[int, list[str]] = {}
    for group, name, shown in rows:
        row = "".join(f"<td>{html.escape(cell)}</td>" for cell in (name, *shown))
        bodies.setdefault(group, []).append(f"<tr>{row}</tr>")
    body = "".join(f"<tbody>{''.join(lines)}</tbody>" for lines in bodies.values())
    return f"<table><thead><tr>{head}</tr></thead>{body}</table>"


def _svg(drawn: bytes) -> str:
    text = drawn.decode()
    return text[text.index("<svg") :]
