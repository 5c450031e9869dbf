"""`migrate-db`: copy a store from SQLite to PostgreSQL, or back."""

import sys

import click

from jupyter_flows.cli.settings import load_settings

HELP = """Copy the store FROM one place TO another, with the runs that wait or are at work in it.

\b
  migrate-db ~/.local/share/jupyter/flows postgresql://flows@db/flows
  migrate-db postgresql://flows@db/flows ./flows

A place is a data folder, or the address of a PostgreSQL database. No server may be at work on
either, and TO must be empty. All is copied in one transaction, and each run's log is compared
before it is committed; FROM stays as it is, but that its tables are brought up to this version's.

No server has the runs afterwards: the first one that starts on TO takes up those that were at work.
The keys that sign links and receipts, and encrypt variables, come along: in a database they are
encrypted with FlowsApp.deployment_key. Checkpoints of waiting runs stay where they are: give the
new servers the FlowsApp.checkpoint_dir that the old ones had.
"""


@click.command("migrate-db", help=HELP)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def migrate_db_command(source: str, target: str) -> int:
    from jupyter_flows.store.moving.copying import move  # noqa: PLC0415 (slow to load)
    from jupyter_flows.store.moving.keys import carrier  # noqa: PLC0415
    from jupyter_flows.store.moving.places import place_of  # noqa: PLC0415

    keys = carrier(load_settings(None).deployment_key)
    moved = move(place_of(source), place_of(target), _told, carry_keys=keys)
    for digest in moved.lost:
        click.echo(f"{digest} was damaged or lost in FROM, and is not in TO", err=True)
    for run in moved.broken:
        click.echo(f"The log of run {run} was broken in FROM, and is so in TO", err=True)
    runs, events = moved.counts["runs"], moved.counts["events"]
    click.echo(f"Copied and compared: {runs:,} runs with {events:,} events.")
    return 0


def _told(table: str, done: int, total: int) -> None:
    """On a terminal the line is written over until it is whole."""
    is_whole, is_seen = done == total, sys.stdout.isatty()
    if is_whole or is_seen:
        again = "\r" if is_seen else ""
        click.echo(f"{again}{table:<14} {done:>12,} of {total:,}", nl=is_whole)
