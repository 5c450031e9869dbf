"""How a trail, a verdict and a checked receipt are said to a reader."""

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from jupyter_flows.cli import words
from jupyter_flows.core.audit import Finding, Verdict
from jupyter_flows.core.model import Json, RunId
from jupyter_flows.core.receipt import GateReceipt, SaidVote
from jupyter_flows.core.trail import Line, Who, trail
from jupyter_flows.web.audit_views import FindingView

if TYPE_CHECKING:
    from jupyter_flows.core.checking import Checked


_LINK_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{32}\b")
"""On a screen its beginning will do; a pipe and --json have it whole."""


def print_trail(verdict: Verdict) -> None:
    """A table on a terminal, else a line an event; what is broken is said beside it."""
    lines = trail(verdict.events)
    if sys.stdout.isatty():
        _print_table(lines)
    else:
        for line in lines:
            click.echo("  ".join(_cells(line)))
    if not verdict.good:
        click.secho("This log does not stand as it was written:", fg="red", err=True)
        _print_findings(verdict.findings, err=True)


def _cells(line: Line) -> tuple[str, str, str, str]:
    who = words.plain(str(line.who)) if line.who else "-"
    return str(line.seq), words.when(line.at), who, _what(line)


def _what(line: Line) -> str:
    digest = f" [{line.digest[:19]}]" if line.digest else ""
    return words.plain(f"{line.what}{digest}").replace("\n", " ")


def _print_table(lines: list[Line]) -> None:
    from rich.console import Console  # noqa: PLC0415 (slow to load)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("who", overflow="fold", max_width=40)
    table.add_column("what", overflow="fold")
    for line in lines:
        table.add_row(*(Text(_LINK_ID.sub(r"\1…", cell)) for cell in _cells(line)))
    Console().print(table)


def print_verdict(run: RunId, verdict: Verdict, *, err: bool = False) -> None:
    if verdict.good and verdict.head is not None:
        click.echo(
            f"{run}  {click.style('good', fg='green')}: {verdict.rows} rows, each chained to the"
            f" one before; the head is row {verdict.head.seq}, {verdict.head.hash}",
            err=err,
        )
        return
    broken = click.style("broken", fg="red")
    click.echo(f"{run}  {broken}, {len(verdict.findings)} findings:", err=err)
    _print_findings(verdict.findings, err=err)


def _print_findings(findings: tuple[Finding, ...], *, err: bool = False) -> None:
    for finding in findings:
        click.echo(words.plain(f"  {finding}"), err=err)


# ------------------------------------------------------------ a receipt


def print_checked(checked: "Checked", verdict: Verdict | None) -> None:
    """`verdict` is that of the run's log today, where it was looked at."""
    for line in _checked_lines(checked, verdict):
        click.echo(words.plain(line))
    good = checked.good and (verdict is None or verdict.good)
    if not good:
        click.secho("broken", fg="red")
    elif checked.trusted:
        click.secho("good", fg="green")
    else:
        click.secho(
            "Not proven: the signature is by the key that the receipt itself carries, and anybody"
            " can make a key. Name the one that you trust: --key PEM, or --key-id ID.",
            fg="yellow",
        )


def _checked_lines(checked: "Checked", verdict: Verdict | None) -> Iterator[str]:
    if checked.run is not None:
        yield f"receipt   of {checked.run} ({checked.path}), {checked.status}"
        yield f"signed    {checked.signed_at}, by the key {checked.key_id}"
    if checked.good and checked.head is not None:
        yield f"log       {checked.head.seq} rows, chained, head {checked.head.hash}"
        if checked.left_out:
            yield f"          {checked.left_out} with values left out: there the signature vouches"
    if checked.good:
        for gate in checked.gates:
            yield from _gate_lines(gate)
    for finding in checked.findings:
        yield f"wrong     {finding}"
    if verdict is not None:
        rows = f"{verdict.rows} rows, which hold those of the receipt"
        yield f"today     {rows if verdict.good else 'the log has changed:'}"
        for finding in verdict.findings:
            yield f"          {finding}"


def _gate_lines(gate: GateReceipt) -> Iterator[str]:
    opening = f" (opening {gate.generation})" if gate.generation > 1 else ""
    closed = f" {gate.outcome.at}" if gate.outcome.at else ""
    yield f"gate      {gate.step}{opening}: {gate.outcome.status.replace('_', ' ')}{closed}"
    for vote in gate.votes:
        yield f"          {_vote(vote)}"


def _vote(vote: SaidVote) -> str:
    act = "approved" if vote.approved else "rejected"
    lapsed = "" if vote.counts else " (does not count)"
    reason = f": {vote.reason}" if vote.reason else ""
    who = Who(**msgspec.structs.asdict(vote.by))
    return f"{vote.at}  {act} by {who}{lapsed}{reason}"


def checked_as_json(checked: "Checked", verdict: Verdict | None) -> Json:
    good = checked.good and (verdict is None or verdict.good)
    findings = (*checked.findings, *(verdict.findings if verdict else ()))
    return {
        "run": checked.run,
        "good": good,
        "trusted": checked.trusted,
        "key_id": checked.key_id,
        "signed_at": checked.signed_at,
        "head": msgspec.to_builtins(checked.head),
        "left_out": checked.left_out,
        "findings": [msgspec.to_builtins(FindingView(f.seq, f.what)) for f in findings],
        "gates": msgspec.to_builtins(checked.gates),
    }
