"""The notebooks of the server, as the contents API would hand them out to the same user."""

import posixpath
from typing import Any

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError


async def notebook_model(contents: Any, path: str, *, content: bool) -> dict[str, Any]:
    """The model of the notebook at this path. Raises HTTPError, as the server's own door does: that
    one looks for hidden files itself, for not every contents manager does. Its path is the one that
    everybody has for this notebook.
    """
    path = posixpath.normpath(path.strip("/"))
    if not contents.allow_hidden and await ensure_async(contents.is_hidden(path)):
        raise HTTPError(404, f"file or directory {path!r} does not exist")
    model: dict[str, Any] = await ensure_async(contents.get(path, type="notebook", content=content))
    return model
