"""The keys brought along with a store: from private files to the table of a shared database, where
they are encrypted with the deployment key, and back.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from jupyter_flows.core import signature
from jupyter_flows.core.errors import KeyUnusable
from jupyter_flows.core.webhooks import secret_of
from jupyter_flows.store import tables
from jupyter_flows.store.keys import KeyFile
from jupyter_flows.store.moving.copying import CarryKeys
from jupyter_flows.store.moving.places import Place
from jupyter_flows.store.postgres.keys import LINK, RECEIPT, VARIABLE, WEBHOOK, Sealer
from jupyter_flows.store.private import write_private
from jupyter_flows.store.webhook_secrets import OVERLAP_SECONDS

_LINKS, _RECEIPTS, _VARIABLES, _WEBHOOKS = (
    "keys",
    "receipt-keys.pem",
    "variable-keys",
    "webhook-secrets",
)
_C = tables.keys.c


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """A key as its row has it, but not encrypted; `signs_at` in POSIX seconds."""

    kind: str
    value: bytes
    signs_at: float = 0.0


def carrier(deployment_key: str) -> CarryKeys:
    """For `move`. What goes to a database, or comes from one, needs its deployment key: BadInput is
    raised where that is none, KeyUnusable for keys that can't be read; then nothing is copied.
    """
    return partial(_carry, deployment_key)


def _carry(
    deployment_key: str,
    source: Place,
    target: Place,
    old: sa.Connection,
    new: sa.Connection,
) -> None:
    if source.folder is not None:
        found = _of_files(source.folder)
    else:
        found = _of_rows(old, Sealer(deployment_key))
    if target.folder is not None:
        _write_files(target.folder, found)
    elif found:
        _write_rows(new, Sealer(deployment_key), found)


# ------------------------------------------------------------ rows


def _of_rows(connection: sa.Connection, sealer: Sealer) -> list[Kept]:
    query = sa.select(_C.kind, _C.value, _C.signs_at).order_by(_C.id)
    return [
        Kept(kind, sealer.opened(value), signs_at)
        for kind, value, signs_at in connection.execute(query)
    ]


def _write_rows(connection: sa.Connection, sealer: Sealer, found: Sequence[Kept]) -> None:
    rows = [
        {
            "kind": key.kind,
            "value": sealer.sealed(key.value),
            "created_at": key.signs_at,
            "signs_at": key.signs_at,
        }
        for key in found
    ]
    connection.execute(sa.insert(tables.keys), rows)


# ------------------------------------------------------------ files


def _of_files(folder: Path) -> list[Kept]:
    """The oldest of each kind first."""
    found = []
    if (folder / _LINKS).exists():
        found += [Kept(LINK, key) for key in KeyFile(folder / _LINKS)().keys]
    if (folder / _RECEIPTS).exists():
        pems = signature.blocks((folder / _RECEIPTS).read_text("ascii"))
        found += [Kept(RECEIPT, pem.encode()) for pem in reversed(pems)]
    if (folder / _VARIABLES).exists():
        lines = _lines(folder / _VARIABLES)
        found += [Kept(VARIABLE, line.encode()) for line in lines]
    if (folder / _WEBHOOKS).exists():
        found += _of_webhooks(_lines(folder / _WEBHOOKS))
    return found


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text("ascii").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _of_webhooks(lines: Sequence[str]) -> list[Kept]:
    """A row signs until a time after the next one began; a line says that time itself."""
    found, began = list[Kept](), 0.0
    for line in reversed(lines):
        secret, _, until = line.partition(" ")
        try:
            value = base64.b64decode(secret.removeprefix(secret_of(b"")), validate=True)
        except ValueError:
            raise KeyUnusable(f"A secret in the file {_WEBHOOKS} is damaged.") from None
        found.append(Kept(WEBHOOK, value, began))
        began = float(until) - OVERLAP_SECONDS if until else began
    return found


def _write_files(folder: Path, found: Sequence[Kept]) -> None:
    links, receipts, variables, webhooks = (
        [key for key in found if key.kind == kind] for kind in (LINK, RECEIPT, VARIABLE, WEBHOOK)
    )
    if links:
        write_private(folder / _LINKS, "".join(f"{key.value.hex()}\n" for key in links))
    if receipts:
        newest, *older = reversed(receipts)
        pems = [newest.value.decode(), *(signature.public_pem(key.value) for key in older)]
        write_private(folder / _RECEIPTS, "".join(pems))
    if variables:
        lines = "".join(f"{key.value.decode()}\n" for key in variables)
        write_private(folder / _VARIABLES, lines)
    if webhooks:
        write_private(folder / _WEBHOOKS, "".join(reversed(_webhook_lines(webhooks))))


def _webhook_lines(webhooks: Sequence[Kept]) -> list[str]:
    ends = [f" {after.signs_at + OVERLAP_SECONDS}" for after in webhooks[1:]] + [""]
    return [f"{secret_of(key.value)}{end}\n" for key, end in zip(webhooks, ends, strict=True)]
