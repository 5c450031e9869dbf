"""A stored object as an answer: streamed, in parts where they are asked for, and never active.

Whatever a user has stored is foreign to this server's pages: a browser that opens it gives it no
origin, runs none of its scripts, and guesses no type.
"""

from http import HTTPStatus
from urllib.parse import quote

from tornado.iostream import StreamClosedError

from jupyter_flows.core.objects import StoredObject, byte_range, shown_as
from jupyter_flows.ports.objects import ObjectStorage
from jupyter_flows.web.doors import Answering

POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
_PLAIN_TYPE = "application/octet-stream"


async def send_object(door: Answering, storage: ObjectStorage, key: str) -> None:
    """Raises UnknownPath, StorageUnavailable. A storage that fails on the way cuts the answer off,
    so that its reader knows.
    """
    found = await storage.info(key)
    _set_headers(door, found)
    try:
        part = byte_range(door.request.headers.get("Range", ""), found.size)
    except ValueError:
        door.set_header("Content-Range", f"bytes */{found.size}")
        door.set_status(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        door.finish()
        return
    begin, end = part or (0, found.size)
    if part is not None:
        door.set_status(HTTPStatus.PARTIAL_CONTENT)
        door.set_header("Content-Range", f"bytes {begin}-{end - 1}/{found.size}")
    door.set_header("Content-Length", end - begin)
    if door.request.method != "HEAD":
        await _stream(door, storage, key, begin, end)
    door.finish()


async def _stream(door: Answering, storage: ObjectStorage, key: str, begin: int, end: int) -> None:
    try:
        async for piece in storage.read(key, begin, end):
            door.write(piece)
            await door.flush()
    except StreamClosedError:
        door.log.debug("a reader of %s went away", key)


def _set_headers(door: Answering, found: StoredObject) -> None:
    shown = shown_as(found.said)
    if "filename" not in shown.lower():
        name = quote(found.key.rpartition("/")[2], safe="")
        shown = f"{shown}; filename*=UTF-8''{name}"
    door.set_header("Content-Type", found.said.content_type or _PLAIN_TYPE)
    door.set_header("Content-Disposition", shown)
    door.set_header("Content-Security-Policy", POLICY)
    door.set_header("X-Content-Type-Options", "nosniff")
    door.set_header("Cache-Control", "no-store")
    door.set_header("Accept-Ranges", "bytes")
