"""Noticing that somebody else saves a notebook while we write it."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

PATIENCE_SECONDS = 5.0
"""How long a save of somebody else's is waited for: one that failed is never told to be over."""

_ours: ContextVar[bool] = ContextVar("jupyter_flows_saves", default=False)


@dataclass(slots=True)
class Watch:
    """What others do to one path. `begun` counts their saves. `watched` says that we write there;
    then `content` is what the last of them saves, None where that is no notebook.
    """

    begun: int = 0
    under_way: int = 0
    content: dict[str, Any] | None = None
    watched: bool = False
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def before(self, model: Mapping[str, Any]) -> None:
        content = model.get("content")
        is_notebook = isinstance(content, dict) and isinstance(content.get("cells"), list)
        self.begun += 1
        self.under_way += 1
        self.content = content if is_notebook and self.watched else None
        self._over.clear()

    def after(self) -> None:
        self.under_way = max(self.under_way - 1, 0)
        if not self.under_way:
            self._over.set()

    async def over(self) -> None:
        """Wait until nobody else saves, or long enough."""
        if self.under_way:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._over.wait()
        self.under_way = 0


class Saves:
    """Hears of every save through its hooks, which the contents manager calls before it writes and
    after. They do nothing but note, so that a user's save never fails by them.
    """

    def __init__(self, contents: Any) -> None:
        self._watches: dict[str, Watch] = {}
        contents.register_pre_save_hook(self._before)
        contents.register_post_save_hook(self._after)

    @contextlib.contextmanager
    def watched(self, path: str) -> Iterator[Watch]:
        """One at a time for each path. A save that is under way already is seen too."""
        watch = self._watches.setdefault(path, Watch())
        watch.watched = True
        try:
            yield watch
        finally:
            watch.watched, watch.content = False, None
            self._forget(path, watch)

    @contextlib.contextmanager
    def ours(self) -> Iterator[None]:
        """What is saved in here is not somebody else's."""
        token = _ours.set(True)
        try:
            yield
        finally:
            _ours.reset(token)

    def _forget(self, path: str, watch: Watch) -> None:
        if not watch.watched and not watch.under_way:
            self._watches.pop(path, None)

    def _before(self, *, model: Any, path: Any, **_: Any) -> None:
        if _ours.get() or not isinstance(path, str) or not isinstance(model, Mapping):
            return
        if model.get("type") == "notebook" or path.strip("/") in self._watches:
            self._watches.setdefault(path.strip("/"), Watch()).before(model)

    def _after(self, *, model: Any, **_: Any) -> None:
        path = model.get("path") if isinstance(model, Mapping) else None
        if _ours.get() or not isinstance(path, str):
            return
        watch = self._watches.get(path.strip("/"))
        if watch is not None:
            watch.after()
            self._forget(path.strip("/"), watch)
