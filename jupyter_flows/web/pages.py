"""The approval page's door: what is shown, and what the page's buttons do."""

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from jupyter_flows.core import errors
from jupyter_flows.core.commands import CastVote
from jupyter_flows.core.errors import (
    BadInput,
    Mistake,
    NotAllowed,
    ReasonRequired,
    Refused,
    StaleDigest,
    TooLarge,
    TooMany,
    Unavailable,
    UnknownLink,
)
from jupyter_flows.core.model import Digest, Gate, Json, Run
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web.answer import Answer, answered
from jupyter_flows.web.ours import check_ours
from jupyter_flows.web.page import Asked, gate_page, sheet_of
from jupyter_flows.web.posted import Posted, read_posted
from jupyter_flows.web.problems import status_of
from jupyter_flows.web.readers import Reader, login_may_help, shut_out
from jupyter_flows.web.reading import ReadingDoor
from jupyter_flows.web.sheets import Sheet
from jupyter_flows.web.typed import Typed

if TYPE_CHECKING:
    from jupyter_flows.web.shown.changes import Change


@web.stream_request_body
class PageDoor(ReadingDoor):
    """The page of a gate, for a reader who has entered by a link, or is logged in. Its button that
    logs in leads to itself with `login`: a hub's own address for that is good for minutes only.
    """

    @allow_unauthenticated
    async def get(self, key: str) -> None:
        reader = await self.reader(key)
        if reader is None:
            await self.to_login(key)
        elif reader.user is None and self.get_query_argument("login", ""):
            self.redirect(self.login_url())
        else:
            await self._show(key, reader)

    @allow_unauthenticated
    async def head(self, key: str) -> None:
        await self.get(key)

    # ------------------------------------------------------------ what is shown

    async def _show(
        self,
        key: str,
        reader: Reader,
        typed: Typed | None = None,
        status: int = 200,
        *,
        stale: str | None = None,
        refused: str = "",
        done: str = "",
    ) -> None:
        """`stale` is the digest that the reader had on the screen, if it is not the gate's: empty
        for a page from before the gate. `refused` says why an answer was not counted that nothing
        is wrong with, `done` what a button has done that the page would not show by itself.
        """
        run, gate = await self.seen(key, reader)
        refusal = shut_out(run, gate, reader)
        if refusal is not None:
            self._refuse(refusal, reader)
            return
        asked = Asked(
            live=await self.live(run, gate, reader, _live_address(key, gate)),
            purpose=reader.purpose,
            voter=reader.voter(run, gate),
            sheet=await self._sheet(run, gate, f"{key}/frame/"),
            form_token=self.engine.tokens.sign_form(reader.secret),
            typed=typed or Typed(),
            refused=refused,
            done=done,
            changes=await self._changes(run, gate, stale, f"{key}/frame/"),
        )
        self.allow_frames(f"page/{key}/frame/")
        self.send_page(gate_page(asked, self.language), status)
        if gate is not None and self.request.method != "HEAD":
            self.engine.shown(run, gate, reader.voter(run, gate))

    async def _sheet(self, run: Run, gate: Gate | None, base: str) -> Sheet:
        """What the gate shows to everybody, drawn once for each digest."""
        digest = gate.digest if gate else None
        name = (digest or "", base, self.language.code)
        sheet = self.doors.sheets.get(name) if digest else None
        if sheet is None:
            sheet = await self._drawn_sheet(run, gate, base)
            if digest:
                self.doors.sheets.put(name, sheet)
        return sheet

    async def _drawn_sheet(self, run: Run, gate: Gate | None, base: str) -> Sheet:
        from jupyter_flows.web.shown.descriptions import (  # noqa: PLC0415 (only for who looks)
            description_blocks,
        )
        from jupyter_flows.web.shown.outputs import evidence_blocks  # noqa: PLC0415

        pieces = await self.engine.showing.pieces(run, gate) if gate else []
        described = gate.options.description if gate else None
        return sheet_of(
            run,
            gate,
            description=await asyncio.to_thread(description_blocks, described, base),
            evidence=await evidence_blocks(pieces, base),
            language=self.language,
        )

    async def _changes(
        self, run: Run, gate: Gate | None, stale: str | None, base: str
    ) -> "list[Change] | None":
        """Empty where nothing is known of what the reader saw."""
        if stale is None:
            return None
        if gate is None or not stale:
            return []
        from jupyter_flows.web.shown.changes import changes  # noqa: PLC0415

        before = await self.engine.showing.pieces_at(run, gate, Digest(stale))
        now = await self.engine.showing.pieces(run, gate)
        return await changes(before, now, base) if before else []

    def _refuse(self, refusal: NotAllowed, reader: Reader) -> None:
        """What the gate shows is not for this reader (G45)."""
        login = f"{self.request.path}?login=1" if login_may_help(refusal, reader) else None
        self.send_refusal(refusal, login)

    # ------------------------------------------------------------ what the buttons do

    @allow_unauthenticated
    async def post(self, key: str) -> None:
        reader = await self.reader(key)
        if reader is None:
            raise UnknownLink
        posted = read_posted(self.request.headers.get("Content-Type", ""), bytes(self._body))
        check_ours(self, reader.secret, posted.one("form"))
        run, gate = await self.looked_at(key, reader)
        answer = answered(gate.options if gate else None, posted)
        if answer.is_edit:
            await self._show(key, reader, answer.typed)
            return
        try:
            self.doors.answers.count(reader.name)
            await self._do(run, gate, reader, posted, answer)
        except StaleDigest as error:
            stale = posted.one("digest")
            await self._show(key, reader, answer.typed, status_of(error), stale=stale)
        except (Refused, Unavailable, TooMany) as error:
            await self._show(key, reader, answer.typed, status_of(error), refused=error.message)
        except ReasonRequired as error:
            typed = replace(answer.typed, no_reason=error.message)
            await self._show(key, reader, typed, status_of(error))
        except (BadInput, TooLarge) as error:
            mistakes = getattr(error, "mistakes", (Mistake("", error.message),))
            status = status_of(error)
            if status == HTTPStatus.BAD_REQUEST:
                status = HTTPStatus.UNPROCESSABLE_ENTITY
            await self._show(key, reader, answer.wrong(mistakes), status)
        else:
            # The outcome is in this answer: a server that was started for one run may end with it,
            # before a redirected browser asks again. Sending the form anew repeats the vote: no
            # harm.
            withdrawn = posted.one("decision") == "withdraw"
            await self._show(key, reader, done=_WITHDRAWN if withdrawn else "")

    async def _do(
        self, run: Run, gate: Gate | None, reader: Reader, posted: Posted, answer: Answer
    ) -> None:
        decision = posted.one("decision")
        if decision == "withdraw" and gate is not None:
            voter = reader.voter(run, gate)
            await self.engine.votes.withdraw(run.id, gate.step, gate.generation, voter)
        elif decision == "approve":
            await self._vote(run, gate, reader, posted, payload=answer.payload())
        elif decision == "reject":
            await self._vote(run, gate, reader, posted, reason=posted.one("reason").strip() or None)
        else:
            raise BadInput(sentence("Press one of the buttons."))

    async def _vote(
        self,
        run: Run,
        gate: Gate | None,
        reader: Reader,
        posted: Posted,
        *,
        payload: Json = None,
        reason: str | None = None,
    ) -> None:
        approved = posted.one("decision") == "approve"
        seen = posted.one("digest") if "digest" in posted.fields else None
        digest = None if seen is None else Digest(seen)
        voter = reader.voter(run, gate)
        if reader.claims is not None:
            await self.engine.votes.by_link(
                reader.claims,
                approved=approved,
                payload=payload,
                reason=reason,
                digest=digest,
                user=reader.user if voter.verified else None,
            )
            return
        if gate is None:
            raise errors.NoGate
        await self.engine.vote(
            run.id,
            CastVote(
                gate=gate.step,
                generation=gate.generation,
                voter=voter,
                approved=approved,
                payload=payload,
                reason=reason,
                digest=digest,
            ),
        )


_WITHDRAWN = sentence("Your approval is withdrawn. It counts no more; you can answer anew.")


def _live_address(key: str, gate: Gate | None) -> str:
    """Where the page asks how the gate stands, as seen from itself."""
    digest = gate.digest if gate else None
    return f"{key}/live?digest={digest or ''}"
