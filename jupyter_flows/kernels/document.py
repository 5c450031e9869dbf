"""Notebooks as files: made ready before a run, filled with what came of it, written in one move."""

import asyncio
import contextlib
import copy
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import rwbase

from jupyter_flows.core.errors import BadInput, Unavailable
from jupyter_flows.core.gating import configures_gate
from jupyter_flows.core.model import Json, Run, Step, StepId
from jupyter_flows.core.naming import MAJOR, MINOR, name_cells
from jupyter_flows.core.records import gate_records, with_record
from jupyter_flows.kernels.notebook import script_notebook
from jupyter_flows.kernels.parameters import CELL_ID, TAG, declared, source_of
from jupyter_flows.ports import Outputs, Parameter

DEFAULT_KERNEL = "python3"

Notebook = dict[str, Json]

# nbformat has no types
_from_dict: Callable[[Notebook], Any] = nbformat.from_dict
_convert: Callable[[Any, int], Any] = nbformat.convert
_rejoin_lines: Callable[[Any], Any] = rwbase.rejoin_lines
_split_lines: Callable[[Any], Any] = rwbase.split_lines


class NotebookDocuments:
    """`ports.Documents` with nbformat."""

    def prepare(
        self, notebook: Mapping[str, Json], parameters: Mapping[str, Json], kernel_name: str | None
    ) -> tuple[Notebook, str]:
        """Raises BadInput (not a notebook), ParametersInvalid."""
        ready = _upgraded(notebook)
        name_cells(ready)
        ready["cells"] = [_unrun(cell) for cell in ready["cells"]]
        _validate(ready)
        name = _choose_kernel(ready, kernel_name)
        if parameters:
            _inject(ready, source_of(parameters, name, _language(ready, name)))
        return ready, name

    def script(self, text: str) -> Notebook:
        """Raises BadInput."""
        return script_notebook(text)

    def parameters(self, prepared: Mapping[str, Json], kernel_name: str) -> Sequence[Parameter]:
        place = _find_tag(prepared["cells"], "parameters")
        if place is None or _language(prepared, kernel_name) != "python":
            return ()
        return declared(prepared["cells"][place]["source"])

    def executed(
        self,
        snapshot: Mapping[str, Json],
        run: Run,
        outputs: Mapping[StepId, Outputs],
        widgets: Mapping[str, Json] | None,
    ) -> Notebook:
        """The snapshot with what the run has produced so far; behind the outputs of a gate's cell
        stands the gate's record, or in the place of a last value that describes the gate.
        """
        cells = list(snapshot["cells"])
        records = gate_records(run)
        for step in run.steps.values():
            put_out, record = outputs.get(step.id, ()), records.get(step.id)
            shown = with_record(put_out, record, covers=configures_gate(step.result))
            cells[step.spec.index] = _filled(cells[step.spec.index], step, shown)
        metadata = {**snapshot["metadata"], "jupyter_flows": {"run": run.id, "status": run.status}}
        if widgets:
            metadata["widgets"] = dict(widgets)
        return {**snapshot, "cells": cells, "metadata": metadata}

    async def write(self, path: str, notebook: Mapping[str, Json]) -> None:
        """Raises BadInput where there is no such folder, Unavailable where it can't be written."""
        await asyncio.to_thread(_write, Path(path), notebook)


# ---------------------------------------------------------------- reading


def _upgraded(notebook: Mapping[str, Json]) -> Notebook:
    """A deep copy as nbformat 4.5, its lines joined, ids still to be looked at."""
    cells_of_old = notebook.get("worksheets") if isinstance(notebook, Mapping) else None
    if not isinstance(notebook, Mapping) or not isinstance(notebook.get("nbformat"), int):
        raise BadInput("This is not a notebook: it names no nbformat.")
    if notebook["nbformat"] > MAJOR:
        raise BadInput(f"This notebook's format ({notebook['nbformat']}) is not known here.")
    if not isinstance(notebook.get("cells", cells_of_old), list):
        raise BadInput("This is not a notebook: it has no list of cells.")
    try:
        copied = _from_dict(copy.deepcopy(dict(notebook)))
        if notebook["nbformat"] < MAJOR:
            copied = _without_ids(_convert(copied, MAJOR))
        joined: Notebook = json.loads(json.dumps(_rejoin_lines(copied)))
    except (AttributeError, KeyError, TypeError, ValueError, nbformat.ValidationError) as error:
        raise BadInput(f"This notebook can't be read: {error}"[:500]) from error
    joined.setdefault("metadata", {})
    _require_objects(joined)
    return {**joined, "nbformat": MAJOR, "nbformat_minor": MINOR}


def _require_objects(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if not isinstance(cell, dict) or not isinstance(cell.setdefault("metadata", {}), dict):
            raise BadInput("This is not a notebook: a cell or its metadata is no object.")
        if not isinstance(cell.get("cell_type"), str):
            raise BadInput("This is not a notebook: a cell's cell_type is no text.")
    if not isinstance(notebook["metadata"], dict):
        raise BadInput("This is not a notebook: its metadata is no object.")


def _without_ids(notebook: Any) -> Any:
    """Those that the conversion made up differ each time."""
    for cell in notebook["cells"]:
        cell.pop("id", None)
    return notebook


def _unrun(cell: Notebook) -> Notebook:
    metadata = {k: v for k, v in cell["metadata"].items() if k != "trusted"}
    if cell.get("cell_type") != "code":
        return {**cell, "metadata": metadata}
    metadata.pop("jupyter_flows", None)
    return {**cell, "metadata": metadata, "outputs": [], "execution_count": None}


def _choose_kernel(notebook: Notebook, asked: str | None) -> str:
    """The kernel that was asked for, the notebook's own, or Python; the notebook then names it."""
    metadata = notebook["metadata"]
    metadata.pop("widgets", None)
    own = (metadata.get("kernelspec") or {}).get("name")
    name = asked or own or DEFAULT_KERNEL
    if name != own:
        metadata["kernelspec"] = {"name": name, "display_name": name}
        metadata.pop("language_info", None)
    return str(name)


def _language(notebook: Mapping[str, Json], kernel_name: str) -> str:
    metadata = notebook["metadata"]
    known = metadata.get("language_info", {}).get("name") or metadata["kernelspec"].get("language")
    if known:
        return str(known)
    return "python" if kernel_name.lower().startswith(("python", "ipy", "conda")) else kernel_name


def _inject(notebook: Notebook, source: str) -> None:
    """As papermill does: in the place of an injected cell, else after the tagged one, else on top.

    An injected cell is always named alike, so that a step keeps its name.
    """
    cell: Notebook = {
        "cell_type": "code",
        "id": CELL_ID,
        "metadata": {"tags": [TAG]},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    cells = notebook["cells"]
    injected, defaults = _find_tag(cells, TAG), _find_tag(cells, "parameters")
    if injected is not None:
        cells[injected] = cell
    else:
        cells.insert(0 if defaults is None else defaults + 1, cell)
    if sum(one["id"] == CELL_ID for one in cells) > 1:
        raise BadInput(f"A cell is named {CELL_ID!r}, which the cell with parameters needs.")


def _find_tag(cells: list[Notebook], tag: str) -> int | None:
    tagged = (n for n, cell in enumerate(cells) if tag in cell["metadata"].get("tags", ()))
    return next(tagged, None)


def _validate(notebook: Notebook) -> None:
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        where = "".join(f"[{part!r}]" for part in error.absolute_path)
        raise BadInput(f"The notebook is not valid: {where} {error.message}"[:500]) from None


# ---------------------------------------------------------------- writing


def _filled(cell: Notebook, step: Step, outputs: Outputs) -> Notebook:
    told: Notebook = {"status": step.status}
    if step.attempts > 1:
        told["attempts"] = step.attempts
    if step.error is not None:
        told["error"] = step.error.as_json()
    return {
        **cell,
        "metadata": {**cell["metadata"], "jupyter_flows": told},
        "outputs": [dict(output) for output in outputs],
        "execution_count": step.execution_count,
    }


def _write(path: Path, notebook: Mapping[str, Json]) -> None:
    if not path.parent.is_dir():
        raise BadInput(f"{path.name} can't be written: there is no folder {path.parent}.")
    split = _split_lines(_from_dict(copy.deepcopy(dict(notebook))))
    text = json.dumps(split, indent=1, ensure_ascii=False) + "\n"
    try:
        _replace(path, text.encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise Unavailable(f"{path} can't be written: {error.strerror}.") from error


def _replace(path: Path, data: bytes) -> None:
    written = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        written.write_bytes(data)
        with contextlib.suppress(FileNotFoundError):
            written.chmod(path.stat().st_mode & 0o777)
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
