"""Our own addresses, as a Content-Security-Policy names them: with a path, and no wider."""

import re
from urllib.parse import quote, unquote, urlsplit

from tornado.httputil import HTTPServerRequest

_OURS = "/jupyter-flows/"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?(?::[0-9]{1,5})?")


def own_sources(request: HTTPServerRequest, public_url: str, under: str) -> str:
    """The sources for what lies `under` the root of our doors, of a request for a page.

    A browser knows us by the host that it asked for, or, behind a proxy, by the public one. A host
    that a policy can't name (IPv6) leaves this server as a whole.
    """
    public = urlsplit(public_url)
    roots = (
        (request.host, _root(request.path)),
        (public.netloc, public.path.rstrip("/")),
    )
    found = (_source(host, f"{root}/{under}") for host, root in roots)
    return " ".join(dict.fromkeys(source for source in found if source)) or "'self'"


def _root(path: str) -> str:
    """Up to our own part of the path, which the server's base stands before."""
    return f"{path.rpartition(_OURS)[0]}{_OURS}".rstrip("/")


def _source(host: str, path: str) -> str:
    """Empty for a host that is none: whoever asks writes it, and it must not write the policy."""
    if not _HOST.fullmatch(host):
        return ""
    return host.lower() + quote(unquote(path), safe="/-._~")
