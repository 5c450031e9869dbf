"""What every door has: who may come in, how a body is read, how an error is answered.

Four kinds of door, by who may come in: a logged-in user; the holder of a link; the code of a run's
kernel; another process of this user. Each method of a handler belongs to one kind, and the table
in `routes` says which.
"""

import getpass
import hmac
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from jupyter_server.auth.identity import (
    IdentityProvider,
    LegacyIdentityProvider,
    PasswordIdentityProvider,
)
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.extension.handler import ExtensionHandlerMixin
from tornado import web

from jupyter_flows.core import policy
from jupyter_flows.core.errors import (
    BadInput,
    FlowsError,
    NotAllowed,
    NotOffered,
    TooLarge,
    TooMany,
    UnknownLink,
)
from jupyter_flows.core.model import Json, Run, RunId, Voter
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine.adhoc import AdHoc
from jupyter_flows.engine.children import Children
from jupyter_flows.engine.ends import Ends
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.inline import Inline
from jupyter_flows.engine.notices import Notices
from jupyter_flows.engine.objects import Objects
from jupyter_flows.engine.progress import ProgressTold
from jupyter_flows.engine.registry import Registry
from jupyter_flows.engine.schedules import Schedules
from jupyter_flows.engine.things import Things
from jupyter_flows.engine.webhooks import Webhooks
from jupyter_flows.web.clients import Clients
from jupyter_flows.web.languages import Language, language_for
from jupyter_flows.web.page import SCRIPT_HASH, STYLE_HASH
from jupyter_flows.web.problems import http_problem, problem, status_of
from jupyter_flows.web.prompt import Prompts
from jupyter_flows.web.sheets import Sheets
from jupyter_flows.web.tries import Tries

T = TypeVar("T")

KEY = "Idempotency-Key"
MOST_KEY = 200

FORM_OVERHEAD = 64 * 1024
"""Bytes that a vote's request may have beside its payload."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What the handlers share. `public_url` is what links begin with (G37); `groups_of` gives a
    logged-in user's groups, from the verified name and jupyter_server's `User` (G44). `clients` are
    the sessions of kernel clients that belong to connected browsers. `stopping` says whether this
    server is about to end. `workflow_lifetime` is how many seconds a run that the workflow-run API
    has started may take in all, `object_limit` how many bytes an object may have. With `drives`
    false this server has no notebooks and no kernels.
    """

    engine: Engine
    schedules: Schedules
    registry: Registry
    things: Things
    progress: ProgressTold
    stopping: Callable[[], bool]
    objects: Objects
    inline: Inline
    notices: Notices
    webhooks: Webhooks
    public_url: Callable[[], str]
    secret: str
    groups_of: Callable[[str, Any], tuple[str, ...]] = lambda _, __: ()
    tries_per_minute: int = 60
    answers_per_minute: int = 60
    workflow_lifetime: float | None = None
    object_limit: int = 5 << 30
    drives: bool = True
    tries: Tries = field(init=False)
    answers: Tries = field(init=False)
    prompts: Prompts = field(init=False)
    ends: Ends = field(init=False)
    children: Children = field(init=False)
    adhoc: AdHoc = field(init=False)
    sheets: Sheets = field(default_factory=Sheets)
    clients: Clients = field(default_factory=Clients)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tries", Tries(self.tries_per_minute, self.engine.clock))
        object.__setattr__(self, "answers", Tries(self.answers_per_minute, self.engine.clock))
        object.__setattr__(self, "prompts", Prompts(self.engine, self.public_url, self.clients))
        object.__setattr__(self, "ends", Ends(self.engine))
        object.__setattr__(self, "children", Children(self.engine, self.registry))
        object.__setattr__(self, "adhoc", AdHoc(self.engine, self.children, self.ends))
        self.inline.register("python3", self.adhoc.piece)

    @property
    def body_limit(self) -> int:
        return self.engine.limits.payload_bytes + FORM_OVERHEAD


DRIVES_NOTHING = (
    "This server runs no cells: it shows pages and takes votes. Ask a server that has notebooks."
)

_ONE_USER = (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider)
"""Identity providers with one secret for all: who has it is the server's owner, though each request
is given another invented name."""


class Answering(ExtensionHandlerMixin, JupyterHandler):
    """Answers in JSON; errors as problems."""

    doors: Doors

    def initialize(  # type: ignore[override]
        self, doors: Doors, working: Collection[str] = (), **_: Any
    ) -> None:
        """`working` are the methods that need a server which runs cells."""
        super().initialize(name="jupyter_flows")
        self.doors = doors
        self.engine = doors.engine
        self._working = working

    async def prepare(self, **kwargs: Any) -> None:
        await super().prepare(**kwargs)
        if self.request.method in self._working and not self.doors.drives:
            raise NotOffered(DRIVES_NOTHING)

    @cached_property
    def language(self) -> Language:
        """What the reader's browser asks for. Only pages are in it; the API speaks English."""
        return language_for(self.request.headers.get("Accept-Language", ""))

    def answer(self, body: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(msgspec.json.encode(body))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, FlowsError):
            self.answer_problem(status_of(error), problem(error))
            return
        detail = ""
        if isinstance(error, web.HTTPError):
            detail = _detail(error)
        self.answer_problem(status_code, http_problem(status_code, detail))

    def answer_problem(self, status: int, body: dict[str, Json]) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/problem+json")
        self.set_header("Cache-Control", "no-store")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self.set_header("Retry-After", "60")
        self.finish(msgspec.json.encode(body))

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """A refusal is an answer, not a fault of the server."""
        if isinstance(error, FlowsError):
            self.log.debug("%s: %s", type(error).__name__, error)
        else:
            super().log_exception(kind, error, trace)

    def user_by(self, route: str) -> Voter:
        """The verified user (G41): the one who logged in, or the server's owner where all share a
        secret.
        """
        if type(self.identity_provider) in _ONE_USER:
            name = getpass.getuser()
        else:
            name = _name_of(self.current_user)
        groups = self.doors.groups_of(name, self.current_user)
        return Voter(name, verified=True, route=route, groups=groups)

    def read_json(self, kind: type[T]) -> T:
        """The body as this record; an empty body as an empty object. Raises BadInput."""
        try:
            return msgspec.json.decode(self.request.body or b"{}", type=kind)
        except msgspec.ValidationError as error:
            raise BadInput(f"The body is wrong: {error}") from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise BadInput(f"The body is not JSON: {error}") from None

    def bearer(self) -> str:
        """The token of an `Authorization: Bearer …` header, or an empty text."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


def _name_of(user: Any) -> str:
    """A hub's services log in as its users do, by names of their own: none is taken for a user's,
    which has no slash.
    """
    is_service = getattr(user, "hub_user", {}).get("kind") == "service"
    return f"service/{user.username}" if is_service else str(user.username)


def _detail(error: web.HTTPError) -> str:
    """What the web server says of its own error."""
    if not error.log_message:
        return error.reason or ""
    return error.log_message % error.args if error.args else error.log_message.replace("%%", "%")


def number(name: str, said: str, least: int, most: int) -> int:
    """What was said, as a number. Raises BadInput."""
    value = int(said) if re.fullmatch("[0-9]{1,18}", said) else -1
    if not least <= value <= most:
        raise BadInput(f"{name} must be a number from {least} to {most}; it is {said[:40]!r}")
    return value


class ApiDoor(Answering, APIHandler):
    """For logged-in users. Each method is marked `@web.authenticated @authorized`."""

    auth_resource = "flows"

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """With the type that the answer has; by itself the server calls each one plain JSON."""
        return super().finish(*args, set_content_type=self._headers["Content-Type"], **kwargs)

    @property
    def user(self) -> str:
        return self.voter.name or ""

    @property
    def voter(self) -> Voter:
        """The logged-in user, as who votes."""
        return self.user_by("rest")

    def idempotency_key(self, scope: str) -> str | None:
        """What a request is known by that is to be done once, in this scope. Raises BadInput."""
        key = self.request.headers.get(KEY, "").strip()
        if len(key) > MOST_KEY:
            raise BadInput(f"{KEY} has at most {MOST_KEY} characters; it has {len(key)}.")
        return f"{scope}:{key}" if key else None

    def check_owner(self, run: Run) -> None:
        if run.owner != self.user:
            raise NotAllowed(f"Only {run.owner}, who started this run, may do this.")

    async def check_reader(self, run: str) -> None:
        """Raises NotAllowed for who may not see what the run's cells put out (G45)."""
        if not policy.may_read_run(await self.engine.run(RunId(run)), self.voter):
            raise NotAllowed("This run has gates that are not yours to read.")

    def limit(self) -> int:
        """The `limit` of a list. Raises BadInput."""
        return number("limit", self.get_query_argument("limit", "100"), 1, 1000)


class PeerDoor(Answering):
    """For other processes of this user, who can read the data folder's secret."""

    def check_xsrf_cookie(self) -> None:
        """No cookie counts here, so none can be misused."""

    def check_peer(self) -> None:
        if not hmac.compare_digest(self.bearer().encode(), self.doors.secret.encode()):
            raise NotAllowed("This door is for processes that share this server's data folder.")


class LinkDoor(Answering):
    """For holders of links, logged in or not; who they are to Jupyter is never asked (G41).

    Bodies are read as they come, so that a large one is refused before it is in memory.
    """

    def initialize(self, doors: Doors, **kwargs: Any) -> None:  # type: ignore[override]
        super().initialize(doors, **kwargs)
        self._body = bytearray()

    @property
    def content_security_policy(self) -> str:
        return (
            f"default-src 'none'; style-src '{STYLE_HASH}'; script-src '{SCRIPT_HASH}';"
            " img-src data:; connect-src 'self';"
            " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Robots-Tag", "noindex")
        self.set_header("X-Content-Type-Options", "nosniff")

    def compute_etag(self) -> str | None:
        """None: nothing of a page is kept by anybody, so none can be asked for again."""
        return None

    def check_xsrf_cookie(self) -> None:
        """A link's authority is its signature, not a cookie of the server; the pages, which do
        have a cookie, check their own form's (`pages.PageDoor`).
        """

    async def prepare(self) -> None:  # type: ignore[override]
        await super().prepare()
        if int(self.request.headers.get("Content-Length") or 0) > self.doors.body_limit:
            raise TooLarge(sentence("At most {most} bytes.", most=self.doors.body_limit))

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > self.doors.body_limit:
            raise TooLarge(sentence("At most {most} bytes.", most=self.doors.body_limit))

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """The server's own report would show the whole address, and so the token (G34)."""
        if isinstance(error, FlowsError | web.HTTPError):
            super().log_exception(kind, error, trace)
            return
        where = (self.request.method, self.request.path)
        self.log.error("%s %s failed", *where, exc_info=(kind, error, trace))

    def _request_summary(self) -> str:
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"

    def token_of_query(self) -> str:
        """The signed token in the address. It is never logged (G34)."""
        return self.get_query_argument("flow_token", "", strip=False)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        super().write_error(status_code, **self.counted(kwargs))

    def counted(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """With TooMany in the place of UnknownLink for an address that has tried too often. Genuine
        links are never held up by others' tries from behind the same address.
        """
        if not isinstance(kwargs.get("exc_info", (None, None))[1], UnknownLink):
            return kwargs
        address = self.request.remote_ip or ""
        try:
            self.doors.tries.check(address)
        except TooMany as error:
            return {**kwargs, "exc_info": (TooMany, error, None)}
        self.doors.tries.failed(address)
        return kwargs
