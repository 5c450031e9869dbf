"""Whether a form was sent from our own page: other sites' pages have the reader's cookie too."""

from urllib.parse import urlsplit

from jupyter_flows.core.errors import NotAllowed
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web.doors import Answering


def check_ours(door: Answering, secret: str, form: str) -> None:
    """Only our own page's form may use the reader's cookie; `form` is its signed value for this
    secret. Raises NotAllowed.

    A browser that is told to send no Referer writes `Origin: null`, from our page too; then
    Sec-Fetch-Site and the form's own token decide.
    """
    fetched = door.request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = door.request.headers.get("Origin")
    allowed = {door.request.host.lower(), urlsplit(door.doors.public_url()).netloc.lower()}
    named = origin not in (None, "null")
    foreign = named and urlsplit(origin or "").netloc.lower() not in allowed
    signed = door.engine.tokens.is_our_form(secret, form)
    if fetched != "same-origin" or foreign or not signed:
        raise NotAllowed(sentence("This vote did not come from our page. Open it again."))
