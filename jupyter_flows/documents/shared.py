"""Notebooks that several people have open as one document (YDoc), which a room of the server saves.

Outputs stand in it as jupyter_ydoc itself writes them: the text of a stream is a shared text.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jupyter_flows.core.errors import Unavailable
from jupyter_flows.core.model import Json, StepId
from jupyter_flows.documents.filling import filled
from jupyter_flows.ports import OpKind, OutputOp, Shown

if TYPE_CHECKING:
    from pycrdt import Array, Map

ROOM = "json:notebook:{}"


class SharedNotebooks:
    """The documents of whichever extension serves them; there is none without such an extension.

    `settings` are the web application's, for extensions come after us.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    async def document(self, path: str) -> "YNotebook | None":
        """The notebook at this path, if it is open as a document; none is opened by us."""
        with _refusals(path):
            return await self._opened(path)

    async def _opened(self, path: str) -> "YNotebook | None":
        documents = self._settings.get("jupyter_server_ydoc")
        ids = self._settings.get("file_id_manager")
        if documents is None or ids is None:
            return None
        file_id = ids.get_id(path)
        if file_id is None or not self._may_be_open(file_id):
            return None
        document = await documents.get_document(
            path=path, content_type="notebook", file_format="json", copy=False
        )
        return None if document is None or not len(document.ycells) else YNotebook(document, path)

    def _may_be_open(self, file_id: str) -> bool:
        """jupyter-server-documents opens a document that is asked for, so its rooms are asked."""
        rooms = self._settings.get("yroom_manager")
        return rooms is None or bool(rooms.has_room(ROOM.format(file_id)))


class YNotebook:
    """Implements `ports.SharedNotebook` on a document of jupyter_ydoc."""

    def __init__(self, document: Any, path: str) -> None:
        self._document = document
        self._path = path

    @property
    def identity(self) -> object:
        return self._document

    def show(self, cells: Mapping[StepId, Shown], gently: Collection[StepId] = ()) -> None:
        with _refusals(self._path), self._document.ydoc.transaction():
            for step, ycell in self._named(cells):
                _show(ycell, cells[step], gently=step in gently)

    def apply(self, ops: Sequence[OutputOp]) -> Collection[StepId]:
        missed: set[StepId] = set()
        with _refusals(self._path), self._document.ydoc.transaction():
            named = dict(self._named({op.cell for op in ops}))
            for op in ops:
                ycell = named.get(op.cell)
                if ycell is not None and op.cell not in missed and not _apply(ycell, op):
                    missed.add(op.cell)
        return missed

    def _named(self, steps: Collection[StepId]) -> "Iterator[tuple[StepId, Map[Any]]]":
        for ycell in self._document.ycells:
            if ycell.get("id") in steps and ycell.get("cell_type") == "code":
                yield ycell["id"], ycell


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    """Raises Unavailable: what fails in the extension that serves the documents, or by what
    browsers have put into one, is no fault of ours.
    """
    try:
        yield
    except Exception as error:  # others' code
        raise Unavailable(f"{path} can't be shown to those who have it open: {error!r}") from error


# ---------------------------------------------------------------- one cell


def _show(ycell: "Map[Any]", shown: Shown, *, gently: bool) -> None:
    youtputs = _outputs_of(ycell)
    present = youtputs.to_py() or []
    target = filled(Shown(present, ycell.get("execution_count")), shown) if gently else shown
    wanted = [dict(output) for output in target.outputs]
    same = 0
    while same < min(len(wanted), len(present)) and wanted[same] == present[same]:
        same += 1
    if same < len(present):
        del youtputs[same:]
    youtputs.extend([_youtput(output) for output in wanted[same:]])
    _count(ycell, target.execution_count)
    if target is shown:
        _trust(ycell)


def _apply(ycell: "Map[Any]", op: OutputOp) -> bool:
    """False where the cell does not show what it did: somebody else has changed its outputs."""
    youtputs = _outputs_of(ycell)
    present = len(youtputs)
    _trust(ycell)
    match op.kind:
        case OpKind.COUNT:
            _count(ycell, op.count)
        case OpKind.CUT if op.index <= present:
            del youtputs[op.index :]
        case OpKind.ADD if op.index <= present and op.output is not None:
            youtputs.insert(op.index, _youtput(op.output))
        case OpKind.SET if op.index < present and op.output is not None:
            youtputs[op.index] = _youtput(op.output)
        case OpKind.APPEND if op.index < present:
            return _append(youtputs[op.index], op.text)
        case _:
            return False
    return True


def _append(youtput: "Map[Any]", text: str) -> bool:
    from pycrdt import Text  # noqa: PLC0415 (there only with a document)

    ytext = youtput.get("text")
    if not isinstance(ytext, Text):
        return False
    ytext += text  # to the shared text itself: assigning it anew would cut off its readers
    return True


def _outputs_of(ycell: "Map[Any]") -> "Array[Any]":
    from pycrdt import Array  # noqa: PLC0415 (there only with a document)

    if not isinstance(ycell.get("outputs"), Array):
        ycell["outputs"] = Array()
    youtputs: Array[Any] = ycell["outputs"]
    return youtputs


def _youtput(output: Mapping[str, Json]) -> "Map[Any]":
    from pycrdt import Map, Text  # noqa: PLC0415 (there only with a document)

    ready = dict(output)
    if ready.get("output_type") == "stream":
        text = ready.get("text", "")
        ready["text"] = Text(text if isinstance(text, str) else "".join(text))
    return Map(ready)


def _count(ycell: "Map[Any]", count: int | None) -> None:
    """With the state that a front end draws it by."""
    if ycell.get("execution_count") != count:
        ycell["execution_count"] = count
        ycell["execution_state"] = "idle"


def _trust(ycell: "Map[Any]") -> None:
    """The room signs the file if all cells with rich outputs are trusted, and front ends draw
    widgets and markup in those only.
    """
    metadata = ycell["metadata"]
    if metadata.get("trusted") is not True:
        metadata["trusted"] = True
