"""The tokens that this server signs, of links and of forms, and how it knows them again."""

from collections.abc import Callable

from jupyter_flows.core.errors import UnknownLink
from jupyter_flows.core.links import Claims, Keyring, claims_of, read, write
from jupyter_flows.core.model import Link, Purpose, RunId


class Tokens:
    def __init__(self, keyring: Callable[[], Keyring]) -> None:
        self._keyring = keyring

    def of_link(self, run: RunId, link: Link, purpose: Purpose) -> str:
        """The signed token of this link for this purpose; it is made, never stored."""
        return write(self._keyring(), claims_of(run, link, purpose))

    def read(self, purpose: Purpose, token: str) -> Claims:
        """Raises UnknownLink for all that we did not sign for this purpose."""
        return read(self._keyring(), purpose, token)

    def sign_form(self, token: str) -> str:
        """The value that a page's form carries to show that it is ours (XSRF)."""
        return self._keyring().sign("form", token.encode())

    def is_our_form(self, token: str, signed: str) -> bool:
        try:
            return self._keyring().unsign("form", signed) == token.encode()
        except UnknownLink:
            return False
