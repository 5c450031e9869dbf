"""`audit`: the trail of a run, whether its log stands as it was written, and receipts (G71)."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from jupyter_flows.cli import trails, values
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.exits import FAILED, SUCCEEDED
from jupyter_flows.cli.runs import find
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core.audit import Verdict
from jupyter_flows.core.errors import BadInput, KeyUnusable
from jupyter_flows.core.model import RunId
from jupyter_flows.core.receipt import file_name
from jupyter_flows.web.audit_views import audit_view

if TYPE_CHECKING:
    from jupyter_flows.core.checking import Checked, Trusted

HELP = """Who did what in RUN, and when: a line for each event of its log.

\b
  audit RUN                      the trail
  audit RUN --verify             check the log: exit status 0 good, 1 broken
  audit RUN --receipt [FILE]     write a signed receipt of it
  audit --check FILE --key PEM   check a receipt with nothing but the key
  audit RUN --check FILE         and that the log still holds what it says
  audit --public-key             the key that checks this server's receipts

The chain of hashes finds damage, and changes by whoever does not know the chain. Who can write the
whole database can chain it anew, or cut it off at its end: a receipt that is kept elsewhere shows
that.

Without RUN, --key and --key-id, --check ends with 1 though all fits: a receipt carries its signer's
key, and anybody can make a key.
"""

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("audit", help=HELP)
@click.argument("run", required=False)
@click.option("--verify", is_flag=True, help="Check the chain, and that the machine told it.")
@click.option(
    "--receipt",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Write the receipt to FILE (RUN.receipt.json); - is standard output.",
)
@click.option(
    "--without-payloads", is_flag=True, help="Leave payloads and results out of the receipt."
)
@click.option("--check", type=FILE, metavar="FILE", help="Check this receipt.")
@click.option("--key", type=FILE, metavar="PEM", help="A file of public keys that you trust.")
@click.option(
    "--key-id",
    metavar="ID",
    help="Or a trusted key's id, or more of its SHA-256. With --public-key: which one.",
)
@click.option("--public-key", is_flag=True, help="Print the public key.")
@click.option("--new-key", is_flag=True, help="Sign with a new key; old public keys are kept.")
@click.option("--json", "as_json", is_flag=True, help="As the server's REST gives it.")
@data_dir_option
def audit_command(
    *,
    run: str | None,
    verify: bool,
    receipt: str | None,
    without_payloads: bool,
    check: Path | None,
    key: Path | None,
    key_id: str | None,
    public_key: bool,
    new_key: bool,
    as_json: bool,
    data_dir: str | None,
) -> int:
    log = (verify, receipt is not None)
    if sum((any(log), check is not None, public_key, new_key)) > 1:
        raise click.UsageError(
            "Give one of --verify and --receipt, --check, --public-key, --new-key."
        )
    if run is None and not (check or public_key or new_key):
        raise click.UsageError("Name a RUN; --check, --public-key and --new-key need none.")
    if (key and not check) or (key_id and not (check or public_key)):
        raise click.UsageError("--key and --key-id say whom --check trusts.")
    if without_payloads and receipt is None:
        raise click.UsageError("--without-payloads is for --receipt.")
    if new_key:
        return _rotate(data_dir)
    if public_key:
        return _print_key(data_dir, key_id)
    if check is not None:
        return _check(check, run, _trusted(key, key_id), data_dir, as_json=as_json)
    return _audit(
        data_dir,
        run or "",
        verify=verify,
        receipt=receipt,
        payloads=not without_payloads,
        as_json=as_json,
    )


# ------------------------------------------------------------ the log


def _audit(
    data_dir: str | None,
    run: str,
    *,
    verify: bool,
    receipt: str | None,
    payloads: bool,
    as_json: bool,
) -> int:
    async def auditing(house: House) -> tuple[RunId, Verdict, bytes]:
        run_id = await find(house.engine, run)
        verdict = await house.engine.audit.verdict(run_id)
        wanted = receipt is not None and (verdict.good or not verify)
        content = await house.engine.audit.receipt(run_id, payloads=payloads) if wanted else b""
        return run_id, verdict, content

    run_id, verdict, content = ask(data_dir, auditing)
    to_screen = receipt == "-"
    if as_json and not to_screen:
        values.print_json(msgspec.to_builtins(audit_view(run_id, verdict)))
    elif verify:
        trails.print_verdict(run_id, verdict, err=to_screen)
    elif receipt is None:
        trails.print_trail(verdict)
    if content:
        _write(receipt or file_name(run_id), content)
    return FAILED if verify and not verdict.good else SUCCEEDED


def _write(name: str, content: bytes) -> None:
    if name == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    try:
        Path(name).write_bytes(content)
    except OSError as error:
        raise BadInput(f"{name} can't be written: {error.strerror}.") from None
    click.echo(f"receipt   {name}", err=True)


# ------------------------------------------------------------ a receipt


def _trusted(key: Path | None, key_id: str | None) -> "Trusted":
    """Raises BadInput for what can't be a key or an id."""
    from jupyter_flows.core.checking import Trusted  # noqa: PLC0415 (slow to load)
    from jupyter_flows.core.signature import blocks, read_public  # noqa: PLC0415

    if key_id is not None and not re.fullmatch("[0-9a-fA-F]{16,64}", key_id):
        raise BadInput("--key-id has from 16 to 64 hex digits.")
    if key is None:
        return Trusted(key_id=key_id)
    try:
        keys = tuple(blocks(key.read_text("ascii")))
        for pem in keys:
            read_public(pem)
    except (KeyUnusable, UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{key} can't be used as a key: {error}.") from None
    return Trusted(keys, key_id)


def _check(
    file: Path, run: str | None, trusted: "Trusted", data_dir: str | None, *, as_json: bool
) -> int:
    from jupyter_flows.core.checking import Trusted, check  # noqa: PLC0415 (slow to load)

    content = file.read_bytes()
    if run is None:
        return _say(check(content, trusted), None, as_json=as_json)

    async def checking(house: House) -> tuple["Checked", "Verdict"]:
        run_id = await find(house.engine, run)
        ours = trusted or Trusted(tuple(house.engine.audit.public_keys().values()))
        checked = check(content, ours)
        if checked.run is not None and checked.run != run_id:
            raise BadInput(f"{file} is a receipt of {checked.run}, not of {run_id}.")
        return checked, await house.engine.audit.verdict(run_id, holds=checked.head)

    checked, verdict = ask(data_dir, checking)
    return _say(checked, verdict, as_json=as_json)


def _say(checked: "Checked", verdict: Verdict | None, *, as_json: bool) -> int:
    good = checked.good and checked.trusted and (verdict is None or verdict.good)
    if as_json:
        values.print_json(trails.checked_as_json(checked, verdict))
    else:
        trails.print_checked(checked, verdict)
    return SUCCEEDED if good else FAILED


# ------------------------------------------------------------ keys


def _print_key(data_dir: str | None, key_id: str | None) -> int:
    async def reading(house: House) -> dict[str, str]:
        return dict(house.engine.audit.public_keys())

    keys = ask(data_dir, reading)
    wanted = next(iter(keys)) if key_id is None else key_id.lower()
    if wanted not in keys:
        raise BadInput(f"No key here has the id {key_id!r}; there are: {', '.join(keys)}.")
    click.echo(f"key id {wanted}", err=True)
    click.echo(keys[wanted], nl=False)
    return SUCCEEDED


def _rotate(data_dir: str | None) -> int:
    async def rotating(house: House) -> str:
        return house.engine.audit.new_key()

    click.echo(
        f"The key {ask(data_dir, rotating)} signs receipts from now on. Those of older keys still"
        " check, with the older keys: --public-key --key-id ID prints them."
    )
    return SUCCEEDED
