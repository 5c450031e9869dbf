"""`link`: which links exist, revoking one, and a new key for those to come."""

import getpass

import click
import msgspec

from jupyter_flows.cli import values, words
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.runs import find
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core.model import LinkId
from jupyter_flows.ports import LinkRow
from jupyter_flows.web import views


@click.group("link", help="List and revoke links, rotate the keys that sign them.")
def link_command() -> None:
    """The group of these three."""


@link_command.command("list", help="List links, newest first; of RUN, or of all runs.")
@click.argument("run", required=False)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a link and line.")
@data_dir_option
def list_links(run: str | None, limit: int, as_json: bool, data_dir: str | None) -> None:
    async def listing(house: House) -> list[LinkRow]:
        run_id = await find(house.engine, run) if run else None
        return await house.engine.links.listed(run_id, limit)

    for row in ask(data_dir, listing):
        if as_json:
            values.print_json(msgspec.to_builtins(views.link_row_view(row)))
        else:
            click.echo(_line(row))


def _line(row: LinkRow) -> str:
    what = f"gate {row.gate}" if row.gate else "any gate"
    state = f"revoked {words.when(row.revoked_at)}" if row.revoked_at else "valid"
    if not row.revoked_at and row.expires_at is not None:
        state = f"until {words.when(row.expires_at)}"
    for_whom = f" for {row.approver}" if row.approver else ""
    return words.plain(f"{row.id}  {row.run}  {what}{for_whom}  {state}")


@link_command.command("revoke", help="Make the link with this ID void: it answers 410 from now on.")
@click.argument("id")
@data_dir_option
def revoke_link(id: str, data_dir: str | None) -> None:  # noqa: A002 (its name on the screen)
    async def revoking(house: House) -> None:
        await house.engine.links.revoke(LinkId(id), getpass.getuser())

    ask(data_dir, revoking)
    click.echo(f"{id} revoked")


@link_command.command("rotate", help="Sign links with a new key from now on.")
@click.option(
    "--keep",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="How many keys verify afterwards, the new one included; with 1 all old links are void.",
)
@data_dir_option
def rotate_keys(keep: int, data_dir: str | None) -> None:
    async def rotating(house: House) -> tuple[int, int]:
        before = len(house.keys().keys)
        return before, house.keys.rotate(keep)

    before, left = ask(data_dir, rotating)
    dropped = before + 1 - left
    click.echo(f"A new key signs from now on; {left} keys verify.")
    if dropped == 0:
        click.echo("All links given out so far stay valid.")
    else:
        click.echo(
            f"{dropped} older {'key is' if dropped == 1 else 'keys are'} gone: links that"
            f" {'it' if dropped == 1 else 'they'} signed are unknown from now on. `show` prints"
            " fresh ones for open gates. Kernels of runs hold tokens under the same keys."
        )
