"""`webhooks`: what is on its way, sending it anew, and the secret that signs it."""

import click
import msgspec

from jupyter_flows.cli import values, words
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.runs import find
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core.errors import BadInput, UnknownDelivery
from jupyter_flows.core.webhooks import Delivery, DeliveryId
from jupyter_flows.store.webhook_secrets import new_secret
from jupyter_flows.web.webhook_views import delivery_view

MOST_LOOKED_AT = 1000

HELP = """Webhooks on their way, and the secret that signs them.

ID is a delivery's id, or the beginning of one. A server that is up sends what is due; without one,
it is sent when one starts."""


@click.group("webhooks", help=HELP)
def webhooks_command() -> None:
    """The group of these four."""


@webhooks_command.command("list", help="List deliveries, newest first; of RUN, or of all runs.")
@click.argument("run", required=False)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a delivery and line.")
@data_dir_option
def list_deliveries(run: str | None, limit: int, as_json: bool, data_dir: str | None) -> None:
    async def listing(house: House) -> list[Delivery]:
        run_id = await find(house.engine, run) if run else None
        return await house.webhooks.deliveries(limit, run=run_id)

    found = ask(data_dir, listing)
    for delivery in found:
        if as_json:
            values.print_json(msgspec.to_builtins(delivery_view(delivery)))
        else:
            for line in _lines(delivery):
                click.echo(words.plain(line))
    if not found and not as_json:
        click.echo("No deliveries.")


def _lines(delivery: Delivery) -> list[str]:
    state: str = delivery.status
    if delivery.done_at is not None:
        state += f" {words.when(delivery.done_at)}"
    elif delivery.due_at is not None and delivery.tries:
        state += f", again {words.when(delivery.due_at)}"
    tries = f"{delivery.tries} {'try' if delivery.tries == 1 else 'tries'}"
    line = f"{delivery.id}  {delivery.run}  {delivery.type}  {delivery.url}  {state}  {tries}"
    return [line] if delivery.last_error is None else [line, f"    {delivery.last_error}"]


@webhooks_command.command("send", help="Send the delivery with this ID anew.")
@click.argument("id")
@data_dir_option
def send_delivery(id: str, data_dir: str | None) -> None:  # noqa: A002 (its name on the screen)
    async def sending(house: House) -> Delivery:
        return await house.webhooks.again((await _find(house, id)).id)

    sent = ask(data_dir, sending)
    click.echo(words.plain(f"{sent.id} is sent again to {sent.url}"))


async def _find(house: House, said: str) -> Delivery:
    """Raises UnknownDelivery, BadInput."""
    try:
        return await house.webhooks.delivery(DeliveryId(said))
    except UnknownDelivery:
        known = await house.webhooks.deliveries(MOST_LOOKED_AT)
    found = [each for each in known if said and each.id.startswith((said, f"msg_{said}"))]
    if not found:
        raise UnknownDelivery(f"There is no delivery {said!r}.")
    if len(found) > 1:
        raise BadInput(f"Several deliveries begin with {said!r}: {found[0].id}, {found[1].id}")
    return found[0]


@webhooks_command.command(
    "secret", help="Print the secret that receivers check signatures with: whsec_…"
)
@click.option("--new", is_flag=True, help="Print a new one, for the settings; nothing is changed.")
@data_dir_option
def print_secret(new: bool, data_dir: str | None) -> None:
    async def asking(house: House) -> str:
        return house.webhook_secrets.signing(house.engine.clock())[0]

    click.echo(new_secret() if new else ask(data_dir, asking))


@webhooks_command.command(
    "rotate", help="Make a new secret, and print it; for a day the one before signs as well."
)
@data_dir_option
def rotate_secret(data_dir: str | None) -> None:
    async def rotating(house: House) -> str:
        return house.webhook_secrets.rotate(house.engine.clock())

    click.echo(ask(data_dir, rotating))
    click.echo(
        "It signs from now on. Give it to your receivers within a day: so long the one before signs"
        " as well.",
        err=True,
    )
