"""The inbox's door: the open gates that await the logged-in user, and approving several at once."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_flows.core.errors import BadInput, FlowsError
from jupyter_flows.core.model import Voter
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web.awaiting import (
    awaiting,
    gate_by_key,
    may_vote,
    open_gates,
    search_words,
)
from jupyter_flows.web.bulk import Outcome, Result, Selected, approved, looked_at, selected
from jupyter_flows.web.cards import Card, card_of
from jupyter_flows.web.inbox_page import Place, confirm_page, inbox_page
from jupyter_flows.web.links import HtmlErrors
from jupyter_flows.web.ours import check_ours
from jupyter_flows.web.page import message_page
from jupyter_flows.web.posted import read_posted

CARDS = 30
LOOKS = 1_000
"""Gates that one search looks at; the next page goes on from there."""


@web.stream_request_body
class InboxDoor(HtmlErrors):
    """GET shows. The first POST asks for a confirmation of what was selected, the second votes."""

    auth_resource = "flows"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self._show(self._place())

    @web.authenticated
    @authorized
    async def head(self) -> None:
        await self._show(self._place())

    def _place(self) -> Place:
        cursor = self.get_query_argument("cursor", "") or None
        return Place(self.get_query_argument("q", ""), cursor)

    @web.authenticated
    @authorized
    async def post(self) -> None:
        posted = read_posted(self.request.headers.get("Content-Type", ""), bytes(self._body))
        check_ours(self, self._secret, posted.one("form"))
        place = Place(posted.one("q"), posted.one("cursor") or None)
        steps = {"review": self._review, "approve": self._approve}
        if posted.one("decision") not in steps:
            raise BadInput(sentence("Press one of the buttons."))
        await steps[posted.one("decision")](place, selected(posted))

    # ------------------------------------------------------------ who

    @property
    def _voter(self) -> Voter:
        return self.user_by("inbox")

    @property
    def _secret(self) -> str:
        """What the form is bound to."""
        return f"user inbox {self._voter.name}"

    @property
    def _signed(self) -> str:
        return self.engine.tokens.sign_form(self._secret)

    # ------------------------------------------------------------ what is shown

    async def _show(
        self,
        place: Place,
        outcomes: Sequence[Outcome] = (),
        *,
        notice: str = "",
        status: int = HTTPStatus.OK,
    ) -> None:
        wanted = awaiting(self._voter, search_words(place.search))
        found = await open_gates(
            self.engine, wanted, limit=CARDS, cursor=place.cursor, looks=LOOKS, log=self.log
        )
        cards = {card.key: card for card in await self._changed(outcomes)}
        for each in found.gates:
            card = await card_of(self.engine, each.run, each.gate)
            cards.setdefault(card.key, card)
        page = inbox_page(
            tuple(cards.values()),
            place,
            found.cursor,
            language=self.language,
            outcomes=outcomes,
            notice=notice,
            user=self._voter.shown,
            form_token=self._signed,
            now=self.engine.clock(),
        )
        self.allow_frames("page/")
        self.send_page(page, status)
        if self.request.method != "HEAD":
            self._record(tuple(cards.values()))

    async def _changed(self, outcomes: Sequence[Outcome]) -> list[Card]:
        """What is to be looked at again comes first, on whichever page it stood."""
        found = [
            await gate_by_key(self.engine, one.key)
            for one in outcomes
            if one.result is Result.CHANGED
        ]
        return [
            await card_of(self.engine, *each)
            for each in found
            if each and may_vote(*each, self._voter)
        ]

    def _record(self, cards: Sequence[Card]) -> None:
        """G71: what shows all there is; a gate that asks for more is recorded by its page."""
        for card in cards:
            if not card.page_only:
                self.engine.shown(card.run, card.gate, self._voter)

    # ------------------------------------------------------------ what the buttons do

    async def _review(self, place: Place, chosen: Sequence[Selected]) -> None:
        if not chosen:
            notice = sentence("Nothing was selected. Select what you want to approve.")
            await self._show(place, notice=notice, status=HTTPStatus.UNPROCESSABLE_ENTITY)
            return
        seen = [await looked_at(self.engine, self._voter, one) for one in chosen]
        cards = [each for each in seen if isinstance(each, Card)]
        outcomes = [each for each in seen if isinstance(each, Outcome)]
        if not cards:
            await self._show(place, outcomes, status=HTTPStatus.CONFLICT)
            return
        page = confirm_page(
            cards, place, language=self.language, outcomes=outcomes, form_token=self._signed
        )
        self.send_page(page)

    async def _approve(self, place: Place, chosen: Sequence[Selected]) -> None:
        self.doors.answers.count(f"user {self._voter.name}")
        outcomes = [await approved(self.engine, self._voter, one) for one in chosen]
        counted = any(one.result is Result.APPROVED for one in outcomes)
        await self._show(place, outcomes, status=HTTPStatus.OK if counted else HTTPStatus.CONFLICT)

    # ------------------------------------------------------------ errors

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Also the server's own as pages: a login that has ended is met by people here."""
        if isinstance(kwargs.get("exc_info", (None, None))[1], FlowsError):
            super().write_error(status_code, **kwargs)
            return
        login = None
        if status_code == HTTPStatus.FORBIDDEN and not self.current_user:
            login = self.request.path  # which leads to the login
        title = HTTPStatus(status_code).phrase if status_code in list(HTTPStatus) else "Error"
        text = sentence("Log in, and open the inbox again.") if login else ""
        self.send_page(
            message_page(self.language, title, self.language.say(text), login), status_code
        )
