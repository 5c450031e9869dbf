"""What webhooks are signed with: a private file, or what the settings say."""

import os
import secrets
from pathlib import Path

from jupyter_flows.core.errors import BadInput, KeyUnusable, Refused
from jupyter_flows.core.webhooks import check_secret, secret_of
from jupyter_flows.store.private import write_private

OVERLAP_SECONDS = 86400.0
"""How long a secret signs beside the one that has taken its place."""

_HEADER = (
    "# Signs webhooks: a secret a line, newest first; behind an older one, until when it signs"
    " (POSIX seconds).\n"
)


class SecretFile:
    """Implements `ports.WebhookSecrets`. Makes the file, with a new secret, when it is first asked;
    reads it anew at every use, so that a rotation needs no restart.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def signing(self, now: float) -> tuple[str, ...]:
        if not self.path.exists():
            self._write([(new_secret(), None)], first=True)
        return tuple(secret for secret, _ in _valid(self._read(), now))

    def rotate(self, now: float) -> str:
        self.signing(now)
        secret = new_secret()
        older = _valid(self._read(), now)
        until = [(each, now + OVERLAP_SECONDS if end is None else end) for each, end in older]
        self._write([(secret, None), *until])
        return secret

    def _write(self, lines: list[tuple[str, float | None]], *, first: bool = False) -> None:
        text = "".join(secret + ("" if end is None else f" {end}") + "\n" for secret, end in lines)
        try:
            write_private(self.path, _HEADER + text, first=first)
        except OSError as error:
            raise KeyUnusable(f"{self.path} can't be written: {error.strerror}") from None

    def _read(self) -> list[tuple[str, float | None]]:
        try:
            lines = self.path.read_text("ascii").splitlines()
            found = [_line(line) for line in lines if line.strip() and not line.startswith("#")]
        except (BadInput, ValueError):
            found = []
        except OSError as error:
            raise KeyUnusable(f"{self.path} can't be read: {error.strerror}") from None
        if not found:
            raise KeyUnusable(
                f"The file {self.path}, whose secret signs webhooks, is damaged. Put back a copy of"
                " it; moved away, a new secret is made, which receivers have to be given."
            )
        return found


class GivenSecrets:
    """Implements `ports.WebhookSecrets`, with those that the settings say, the newest first."""

    def __init__(self, said: str) -> None:
        """Raises BadInput."""
        self._secrets = tuple(map(check_secret, said.split()))

    def signing(self, now: float) -> tuple[str, ...]:  # noqa: ARG002 (they have no end)
        return self._secrets

    def rotate(self, now: float) -> str:  # noqa: ARG002
        raise Refused(
            "The secret of webhooks stands in FlowsApp.webhook_secret, or in"
            " JUPYTER_FLOWS_WEBHOOK_SECRET: write a new one there, and behind it, after a space,"
            " the old one; both sign until you take that away. `jupyter flows webhooks secret"
            " --new` prints a new one."
        )


def secrets_of_variable(name: str) -> tuple[str, ...]:
    """Those in the environment variable, with spaces between. Raises KeyUnusable."""
    try:
        found = tuple(map(check_secret, os.environ.get(name, "").split()))
    except BadInput as error:
        raise KeyUnusable(f"The environment variable {name}: {error}") from None
    if not found:
        raise KeyUnusable(
            f"The environment variable {name}, which FlowsApp.webhooks names as `secret_env`, is"
            " not set."
        )
    return found


def new_secret() -> str:
    return secret_of(secrets.token_bytes(32))


def _valid(lines: list[tuple[str, float | None]], now: float) -> list[tuple[str, float | None]]:
    return [(secret, end) for secret, end in lines if end is None or now < end]


def _line(text: str) -> tuple[str, float | None]:
    secret, _, end = text.strip().partition(" ")
    return check_secret(secret), float(end) if end else None
