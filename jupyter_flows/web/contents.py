"""The notebooks of the server, as the contents API would hand them out to the same user."""

import posixpath
from pathlib import Path
from typing import Any

from jupyter_server.services.contents.fileio import FileManagerMixin
from jupyter_server.utils import ApiPath, ensure_async, to_os_path
from tornado.web import HTTPError

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.scripts import is_script


async def notebook_model(contents: Any, path: str, *, content: bool) -> dict[str, Any]:
    """The model of the notebook at this path, or of the script. Raises HTTPError, as the server's
    own door does: that one looks for hidden files itself, for not every contents manager does; and
    BadInput for a path that the file system can't have. Its path is the one that everybody has for
    this notebook.
    """
    path = posixpath.normpath(path.strip("/"))
    kind = {"type": "file", "format": "text"} if is_script(path) else {"type": "notebook"}
    try:
        if not contents.allow_hidden and await ensure_async(contents.is_hidden(path)):
            raise HTTPError(404, f"file or directory {path!r} does not exist")
        model: dict[str, Any] = await ensure_async(contents.get(path, content=content, **kind))
    except OSError as error:
        raise BadInput(f"{path[:200]!r} can't be looked for: {error.strerror}.") from error
    return model


async def file_of_notebook(contents: Any, path: str) -> Path:
    """The notebook as a file of this machine: the contents API says whether this user may have it,
    and a server without it, or one that was started elsewhere, can still start its runs. Raises
    BadInput, HTTPError.
    """
    has_files = isinstance(contents, FileManagerMixin)
    if not has_files:
        raise BadInput("This server's notebooks are no files, so it can't start them by itself.")
    model = await notebook_model(contents, path, content=False)
    return _file_of(model["path"], str(contents.root_dir))


def _file_of(path: str, root: str) -> Path:
    return Path(to_os_path(ApiPath(path), root)).absolute()
