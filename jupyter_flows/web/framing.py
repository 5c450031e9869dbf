"""The doors of what a page shows in frames: the frames, and the scripts they may load."""

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from jupyter_flows.core.errors import UnknownLink
from jupyter_flows.core.model import Gate, Run
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web.doors import LinkDoor
from jupyter_flows.web.page import STYLE_HASH, message_page
from jupyter_flows.web.readers import shut_out
from jupyter_flows.web.reading import ReadingDoor
from jupyter_flows.web.shown.assets import asset
from jupyter_flows.web.sources import own_sources

if TYPE_CHECKING:
    from jupyter_flows.web.shown.frames import Frame

_DESCRIBED = re.compile(r"d\.([0-9]{1,4})")


@web.stream_request_body
class FrameDoor(ReadingDoor):
    """One frame of a gate's page, for those who may read the page (G45).

    Its name says what is in it, so that what a frame shows is what its page was made with: of
    something that the gate no longer shows there is no frame.
    """

    @property
    def content_security_policy(self) -> str:
        """Of what this door itself has to say; a frame brings its own."""
        return f"sandbox; default-src 'none'; style-src '{STYLE_HASH}'; frame-ancestors 'self'"

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("X-DNS-Prefetch-Control", "off")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        # What no policy of content stops: WebRTC, and connections made ahead of what is refused.
        self.set_header("Connection-Allowlist", "(response-origin)")

    @allow_unauthenticated
    async def get(self, key: str, name: str) -> None:
        reader = await self.reader(key)
        if reader is None:
            raise UnknownLink
        run, gate = await self.seen(key, reader)
        refusal = shut_out(run, gate, reader)
        if refusal is not None:
            self.send_refusal(refusal)
            return
        frame = await self._frame(run, gate, name) if gate else None
        if frame is None:
            title = self.language.say(sentence("This has changed"))
            text = sentence("Load the page again to see what it shows now.")
            page = message_page(self.language, title, self.language.say(text))
            self.send_page(page, HTTPStatus.NOT_FOUND)
            return
        self._send(frame)

    @allow_unauthenticated
    async def head(self, key: str, name: str) -> None:
        await self.get(key, name)

    async def _frame(self, run: Run, gate: Gate, name: str) -> "Frame | None":
        from jupyter_flows.web.shown.descriptions import (  # noqa: PLC0415 (only for who looks)
            description_frame,
        )
        from jupyter_flows.web.shown.outputs import evidence_frame  # noqa: PLC0415

        described = _DESCRIBED.fullmatch(name)
        if described is not None:
            number = int(described[1])
            return await asyncio.to_thread(description_frame, gate.options.description, number)
        pieces = await self.engine.showing.pieces(run, gate)
        assets = own_sources(self.request, self.doors.public_url(), "assets/")
        return await evidence_frame(pieces, name, assets)

    def _send(self, frame: "Frame") -> None:
        self.set_header("Content-Type", frame.content_type)
        self.set_header("Content-Security-Policy", frame.policy)
        if frame.filename is not None:
            name = quote(frame.filename, safe="")
            self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        self.finish(frame.body)


@web.stream_request_body
class AssetDoor(LinkDoor):
    """Scripts of installed packages, which hold nobody's data. A frame has no cookie to show, and
    as it has no origin, it counts as somebody from elsewhere.
    """

    @allow_unauthenticated
    async def get(self, name: str) -> None:
        found = await asyncio.to_thread(asset, name)
        if found is None:
            raise UnknownLink
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.finish(found)

    @allow_unauthenticated
    async def head(self, name: str) -> None:
        await self.get(name)
