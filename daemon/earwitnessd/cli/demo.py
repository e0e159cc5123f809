"""`earwitnessd demo`: two voices are enrolled, their conversation is played, and the truth is shown."""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from earwitnessd.cli.options import CANNOT_START

if TYPE_CHECKING:
    from earwitnessd.demo.play import Performance
    from earwitnessd.demo.verdicts import Verdict
    from earwitnessd.private import PrivateDaemon


def demo(
    fast: Annotated[bool, typer.Option("--fast", help="As fast as possible, without the dashboard.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    model: Annotated[str, typer.Option(help="The model to use.")] = "builtin",
) -> None:
    """Hear a conversation of synthetic voices: two enrolled, one stranger. Needs no microphone.

    A daemon of its own runs in a temporary directory; nothing is left behind.
    """
    from earwitness.control import ControlError, NoDaemon
    from earwitnessd.demo import play, verdicts
    from earwitnessd.demo.conversation import load_conversation
    from earwitnessd.private import PrivateDaemonError

    conversation = load_conversation()
    try:
        _say(as_json, "Starting a daemon and enrolling Anna and Ben from 15 seconds each ...")
        with play.stage(conversation, model, fast=fast) as stage:
            _say(as_json, f"Playing {conversation.duration_s:.0f} seconds of conversation ...")
            watched = sys.stdout.isatty() and not (fast or as_json)
            performance = _with_dashboard(stage) if watched else play.perform(stage)
    except (PrivateDaemonError, ControlError, NoDaemon) as error:
        print(f"earwitnessd demo: {error}", file=sys.stderr)
        raise typer.Exit(CANNOT_START) from None
    verdicts_ = verdicts.judge(conversation.turns, performance.events)
    if as_json:
        print(json.dumps(_summary(verdicts_, performance)))
    else:
        _show(verdicts_, performance)


def _say(quiet: bool, line: str) -> None:
    if not quiet:
        print(line, flush=True)


def _with_dashboard(stage: PrivateDaemon) -> Performance:
    """The dashboard has the terminal and the signals; the conversation is collected beside it."""
    from rich.console import Console

    from earwitness.dashboard.watch import watch
    from earwitness.subscription import subscribe
    from earwitnessd.demo import play

    collected: list[Performance] = []
    with subscribe(stage.events) as subscription:

        def collect() -> None:
            collected.append(play.perform(stage, on_end=subscription.stop))

        collector = threading.Thread(target=collect, daemon=True)
        collector.start()
        watch(subscription, Console())
    stage.listener.stop()
    collector.join()
    return collected[0]


def _summary(verdicts: list[Verdict], performance: Performance) -> dict[str, object]:
    return {
        "turns": len(verdicts),
        "correct": sum(verdict.correct for verdict in verdicts),
        "false_accepts": sum(verdict.false_accept for verdict in verdicts),
        "audio_s": round(performance.audio_s, 3),
        "rtf": round(performance.seconds / performance.audio_s, 5) if performance.audio_s else None,
        "published": performance.published,
        "received": performance.received,
        "model": performance.model,
    }


def _show(verdicts: list[Verdict], performance: Performance) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Who was right when", title_justify="left", header_style="bold", expand=True)
    for heading, justify in (
        ("at", "right"),
        ("who spoke", "left"),
        ("heard as", "left"),
        ("after", "right"),
    ):
        table.add_column(heading, justify="right" if justify == "right" else "left", no_wrap=True)
    table.add_column("said", overflow="ellipsis", no_wrap=True, ratio=1)
    heard_s = performance.audio_s
    for verdict in verdicts:
        turn = verdict.turn
        if turn.stop_s > heard_s > 0 or not performance.events:
            continue  # the viewer left before this turn was over
        mark = "[green]✓[/]" if verdict.correct else "[red]✗[/]"
        after = "-" if verdict.after_s is None else f"{verdict.after_s:.1f} s"
        who = turn.speaker or "a stranger"
        table.add_row(f"{turn.start_s:.1f} s", who, f"{mark} {verdict.heard}", after, turn.text)
    console = Console()
    console.print(table)
    result = _summary(verdicts, performance)
    console.print(
        f"{result['correct']} of {result['turns']} turns right, {result['false_accepts']} false accepts; "
        f"{result['published']} events published, {result['received']} received; model {result['model']}."
    )
    console.print(
        "Synthetic voices are easy. What this hears is evidence, never a login by itself.", style="dim"
    )
