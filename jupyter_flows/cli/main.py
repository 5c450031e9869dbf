"""The entry point `jupyter flows`: the table of commands, and errors to messages and exit status.

Exit status: 0 succeeded, 1 failed or interrupted, 2 usage or bad input, 3 suspended (`--detach`),
4 cancelled; 130 after Ctrl-C and 143 after SIGTERM, as shells have it.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence

import click

from jupyter_flows import __version__
from jupyter_flows.cli.exits import BAD_INPUT, FAILED, INTERRUPTED_BY_KEY
from jupyter_flows.core.errors import BadInput, FlowInvalid, FlowsError, NotFound
from jupyter_flows.core.links import WeakKeyError
from jupyter_flows.iri import put_off

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run", "Run a notebook; no server is needed."),
    "resume": ("resume", "Go on after a crash, a failure or a stop."),
    "list": ("listing", "List runs, newest first."),
    "show": ("show", "Show a run: steps, gates, votes, links."),
    "logs": ("logs", "Print what a run's cells have put out."),
    "audit": ("audit", "Who did what in a run, checked; and a signed receipt of it."),
    "approve": ("vote", "Approve a gate."),
    "reject": ("vote", "Reject a gate."),
    "withdraw": ("vote", "Take an approval back."),
    "cancel": ("cancel", "End a run."),
    "check": ("check", "Find every mistake in notebooks, before anything runs."),
    "import": ("import_", "Write a Windmill flow anew as a notebook."),
    "register": ("register", "Let programs start a notebook by a name."),
    "unregister": ("register", "Take such a name back."),
    "registered": ("register", "List the flows that have a name."),
    "schedule": ("schedule", "Run notebooks by the clock: add, list, pause, remove."),
    "checkpoints": ("checkpoints", "What is saved of waiting runs: list, verify, collect."),
    "link": ("links", "List and revoke links, rotate the keys that sign them."),
    "webhooks": ("webhooks", "Webhooks on their way: list, send anew, and their secret."),
    "serve": ("serve", "A server without the lab."),
    "worker": ("worker", "A server that only drives runs of a shared database."),
    "servers": ("servers", "Which servers are at work, what each holds; drain one."),
    "migrate-db": ("migrate_db", "Copy the store from SQLite to PostgreSQL, or back."),
    "reindex": ("reindex", "Make the lists anew from the events."),
}
"""Each command's module, loaded when it is called, and its line of help."""


class Commands(click.Group):
    """Loads a command's module when the command is named, so that each one starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"jupyter_flows.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


HELP = """Run notebooks as flows that wait for the right people to approve.

RUN is a run's id, the beginning of one, or `last`.

\b
Exit status:
  0 succeeded             3 suspended (with --detach)
  1 failed, interrupted   4 cancelled
  2 usage, bad input      130 Ctrl-C, 143 SIGTERM
"""


@click.group(cls=Commands, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jupyter flows")
def flows() -> None:
    """The group of all commands."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Ends the process with the exit status."""
    put_off()
    sys.exit(_status(arguments))


def _status(arguments: Sequence[str] | None) -> int:
    try:
        return flows.main(arguments, prog_name="jupyter flows", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED_BY_KEY
    except (FlowsError, WeakKeyError) as error:
        click.echo(_message(error), err=True)
        return BAD_INPUT if isinstance(error, BadInput | NotFound) else FAILED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED


def _message(error: Exception) -> str:
    if isinstance(error, FlowInvalid):
        return "\n".join(f"{mistake}" for mistake in error.mistakes)
    return str(error)


if __name__ == "__main__":
    main()
