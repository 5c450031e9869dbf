"""How a run goes on that was interrupted: what may be chosen, and asking for it on a terminal."""

import sys
from collections.abc import Mapping

import click

from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.errors import RunNotResumable
from jupyter_flows.core.model import Run

MEANINGS: Mapping[Choice, str] = {
    Choice.CHECKPOINT: "with the variables that were saved",
    Choice.CHANGED: "with those, although packages or files have changed since",
    Choice.KERNEL: "in its kernel, with the variables as they are in it now",
    Choice.RERUN: "in a fresh kernel, after running the earlier cells again",
}

OPTION = "--with"


def has_to_choose(run: Run) -> bool:
    """Whether the run goes on in no way unless a person says in which."""
    return len(run.choices) > 1


def chosen(run: Run, said: str | None, *, may_ask: bool) -> Choice | None:
    """What was said, or is answered here where a person has to choose. Raises RunNotResumable where
    nobody is there to ask.
    """
    if said is not None:
        return Choice(said)
    if not has_to_choose(run):
        return None
    why = run.error.message if run.error else ""
    if not (may_ask and sys.stdin.isatty() and sys.stderr.isatty()):
        raise RunNotResumable(f"{why}\n{how_to_choose(run)}")
    click.echo(why, err=True)
    for choice in run.choices:
        click.echo(f"  {choice:<10}  {MEANINGS[choice]}", err=True)
    answers = click.Choice([choice.value for choice in run.choices])
    return Choice(click.prompt("How shall it go on?", type=answers, err=True))


def how_to_choose(run: Run) -> str:
    """The command, with what may be chosen."""
    return f"To go on, choose: jupyter flows resume {run.id} {OPTION} {'|'.join(run.choices)}"
