"""The inbox as HTML: the list of cards, and the list that asks for a confirmation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from jupyter_flows.core import policy
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web import page
from jupyter_flows.web.awaiting import LONGEST_SEARCH
from jupyter_flows.web.bulk import Outcome, Result
from jupyter_flows.web.cards import Card
from jupyter_flows.web.views import time


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
    outcomes: Sequence[Outcome] = (),
    notice: str = "",
    user: str,
    form_token: str,
    now: float,
) -> str:
    """`more` is the cursor of the next page; `outcomes` are those of the form that was sent."""
    return _draw(
        "inbox.html",
        title=sentence("Requests that await you"),
        cards=cards,
        count=_count(len(cards), place, more),
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
        lines=_lines(now),
    )


def confirm_page(
    cards: Sequence[Card],
    place: Place,
    *,
    outcomes: Sequence[Outcome],
    form_token: str,
) -> str:
    """`outcomes` say of the others that were selected why they are not asked about."""
    count = len(cards)
    return _draw(
        "confirm.html",
        title=sentence("Approve this request?", "Approve these {n} requests?", n=count),
        button=sentence("Approve it", "Approve all {n}", n=count),
        cards=cards,
        place=place,
        back=place.address(place.cursor),
        outcomes=outcomes,
        approved=Result.APPROVED,
        form_token=form_token,
        notebook=page.notebook,
    )


def _draw(template: str, **values: Any) -> str:
    return page.pages.get_template(template).render(style=page.STYLE, **values)


def _count(count: int, place: Place, more: str | None) -> str:
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


@dataclass(frozen=True, slots=True)
class Lines:
    """The facts about a card's gate, in words."""

    notebook: str
    asked_at: tuple[str, str]
    deadline: tuple[str, str, str] | None
    on_timeout: str
    approvals: str
    approvers: str
    parameters: Sequence[tuple[str, str]]


def _lines(now: float) -> Callable[[Card], Lines]:
    return lambda card: Lines(
        notebook=page.notebook(card.run),
        asked_at=_moment(card.gate.opened_at or 0.0),
        deadline=_deadline(card, now),
        on_timeout=page.on_timeout(card.gate),
        approvals=_approvals(card),
        approvers=", ".join(page.hidden_vote(v).voter.shown for v in card.gate.approvals),
        parameters=[
            (name, hide_tokens(page.brief(value))) for name, value in card.run.parameters.items()
        ],
    )


def _moment(at: float) -> tuple[str, str]:
    """For machines, and for readers."""
    return time(at), page.spoken_time(at)


def _deadline(card: Card, now: float) -> tuple[str, str, str] | None:
    found = page.deadline(card.gate, now)
    return None if found is None else (*_moment(found[0]), found[1])


def _approvals(card: Card) -> str:
    gate = card.gate
    said = sentence(
        "{given} of {required}", given=len(gate.approvals), required=gate.options.required_events
    )
    owed = [
        sentence("{n} more of {group}", "{n} more of {group}", n=need.required, group=need.group)
        for need in policy.missing(gate)
    ]
    return "; ".join((said, *owed))
