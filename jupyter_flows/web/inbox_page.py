"""The inbox as HTML: the list of cards, and the list that asks for a confirmation."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Run
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web.awaiting import LONGEST_SEARCH
from jupyter_flows.web.bulk import Outcome, Result
from jupyter_flows.web.cards import Card
from jupyter_flows.web.drawn import drawn
from jupyter_flows.web.languages import Language
from jupyter_flows.web.live import Live, live_of
from jupyter_flows.web.page import SCRIPT, STYLE, brief, notebook


@dataclass(frozen=True, slots=True)
class Place:
    """Which part of the inbox: what is searched for, and the cursor that leads there, if any."""

    search: str = ""
    cursor: str | None = None

    def address(self, cursor: str | None) -> str:
        """Of another page of the same search, as seen from this one."""
        said = {"q": self.search, "cursor": cursor or ""}
        query = urlencode({name: value for name, value in said.items() if value})
        return f"inbox?{query}" if query else "inbox"


def inbox_page(
    cards: Sequence[Card],
    place: Place,
    more: str | None,
    *,
    language: Language,
    outcomes: Sequence[Outcome] = (),
    notice: str = "",
    user: str,
    form_token: str,
    now: float,
) -> str:
    """`more` is the cursor of the next page; `outcomes` are those of the form that was sent."""
    return drawn(
        language,
        "inbox.html",
        style=STYLE,
        script=SCRIPT,
        title=sentence("Requests that await you"),
        cards=[(card, _live(card, now)) for card in cards],
        count=_said_of(len(cards), place, more),
        place=place,
        more=place.address(more) if more else None,
        first=place.address(None) if place.cursor else None,
        longest=LONGEST_SEARCH,
        outcomes=outcomes,
        approved=Result.APPROVED,
        notice=notice,
        user=user,
        selectable=any(not card.page_only for card in cards),
        form_token=form_token,
        notebook=notebook,
        parameters=_parameters,
    )


def confirm_page(
    cards: Sequence[Card],
    place: Place,
    *,
    language: Language,
    outcomes: Sequence[Outcome],
    form_token: str,
) -> str:
    """`outcomes` say of the others that were selected why they are not asked about."""
    count = len(cards)
    return drawn(
        language,
        "confirm.html",
        style=STYLE,
        title=sentence("Approve this request?", "Approve these {n} requests?", n=count),
        button=sentence("Approve it", "Approve all {n}", n=count),
        cards=cards,
        place=place,
        back=place.address(place.cursor),
        outcomes=outcomes,
        approved=Result.APPROVED,
        form_token=form_token,
        notebook=notebook,
    )


def _live(card: Card, now: float) -> Live:
    """How the card's gate stands; whose vote it awaits is known."""
    return live_of(
        card.run, card.gate, own_vote=None, refusal=None, served=True, now=now, address=""
    )


def _parameters(run: Run) -> list[tuple[str, str]]:
    return [(name, hide_tokens(brief(value))) for name, value in run.parameters.items()]


def _said_of(count: int, place: Place, more: str | None) -> str:
    if count == 0:
        return _none(place, more)
    if more or place.cursor:
        return sentence("{n} request on this page.", "{n} requests on this page.", n=count)
    return sentence("{n} request.", "{n} requests.", n=count)


def _none(place: Place, more: str | None) -> str:
    if more:
        return sentence("None so far; there are more to look through.")
    if place.search:
        return sentence("No request that awaits you has these words.")
    return sentence("No more requests.") if place.cursor else sentence("Nothing awaits you.")
