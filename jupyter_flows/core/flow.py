"""A notebook read as a flow: its code cells as steps, and every mistake in it at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jupyter_flows.core import durations, forms, options
from jupyter_flows.core.canonical import canonical_json, sha256
from jupyter_flows.core.errors import BadInput, FlowInvalid, Mistake
from jupyter_flows.core.model import Json, StepId, StepSpec


@dataclass(frozen=True, slots=True)
class Flow:
    """What a run needs to know of a notebook. `warnings` are sentences for the author."""

    steps: tuple[StepSpec, ...]
    name: str | None = None
    warnings: tuple[str, ...] = ()


def read_flow(notebook: Mapping[str, Json]) -> Flow:
    """The flow in a notebook of nbformat 4.5 (every cell has an id).

    Raises FlowInvalid with all mistakes, each named by cell, key and what is allowed.
    """
    mistakes: list[Mistake] = []
    settings = notebook.get("metadata", {}).get("flow", {})
    if isinstance(settings, dict):
        mistakes += options.checked("notebook", settings, "notebook metadata.flow")
        mistakes += _not_plain("notebook metadata.flow", settings)
    else:
        mistakes.append(Mistake("notebook metadata.flow", "must be an object"))
    steps: list[StepSpec] = []
    warnings: list[str] = []
    for index, cell in enumerate(notebook["cells"]):
        spec = _read_cell(index, cell, mistakes, warnings)
        if spec is not None:
            steps.append(spec)
    mistakes += _repeated(steps)
    if mistakes:
        raise FlowInvalid(mistakes)
    return Flow(tuple(steps), settings.get("name"), tuple(warnings))


def _repeated(steps: list[StepSpec]) -> Iterator[Mistake]:
    seen: dict[StepId, int] = {}
    for step in steps:
        if step.id in seen:
            yield Mistake(
                f"{_where(step.index, step.id)}, key 'id'",
                f"the step {step.id!r} is already cell {seen[step.id] + 1}; ids must differ",
            )
        seen.setdefault(step.id, step.index)


def _where(index: int, cell_id: str) -> str:
    return f"cell {index + 1} (id {cell_id!r})"


def _read_cell(
    index: int, cell: Mapping[str, Json], mistakes: list[Mistake], warnings: list[str]
) -> StepSpec | None:
    where = _where(index, cell["id"])
    metadata = cell.get("metadata", {})
    tags = metadata.get("tags", [])
    warnings += [
        f"{where}: the tag {tag!r} means nothing here; did you mean {near!r}?"
        for tag, near in options.near_tags(tags)
    ]
    if cell["cell_type"] != "code":
        mistakes += _misplaced(where, cell["cell_type"], metadata, tags)
        return None
    source = str(cell["source"])
    said, found = _options_of(where, source, metadata, tags)
    mistakes += found
    if not source.strip() and "suspend" not in said:
        return None
    return None if found else _spec(index, cell["id"], source, tags, said)


def _misplaced(
    where: str, kind: str, metadata: Mapping[str, Json], tags: list[str]
) -> Iterator[Mistake]:
    if metadata.get("flow"):
        yield Mistake(f"{where}, metadata.flow", f"only code cells are steps; this is {kind}")
    if "suspend" in tags:
        yield Mistake(f"{where}, tag 'suspend'", f"only code cells are steps; this is {kind}")


def _options_of(
    where: str, source: str, metadata: Mapping[str, Json], tags: list[str]
) -> tuple[dict[str, Json], list[Mistake]]:
    lines, mistakes = options.option_lines(source, where)
    own = metadata.get("flow", {})
    if not isinstance(own, dict):
        mistakes.append(Mistake(f"{where}, metadata.flow", "must be an object"))
        own = {}
    mistakes += [
        Mistake(f"{where}, tag {tag!r}", "not supported by this version")
        for tag in tags
        if tag in options.RESERVED_TAGS
    ]
    tagged: dict[str, Json] = {"suspend": {}} if "suspend" in tags else {}
    said = options.merged(tagged, own, lines)
    wrong = list(options.checked("cell", said, where))
    if not wrong:
        wrong = list(_unusable(where, said))
    return said, mistakes + wrong


def _unusable(where: str, said: Mapping[str, Json]) -> Iterator[Mistake]:
    """What the schema of the options can't say."""
    not_plain = _not_plain(where, said)
    if not_plain:
        yield from not_plain
        return
    try:
        durations.seconds(said.get("timeout", 0))
    except ValueError as error:
        yield Mistake(f"{where}, key 'timeout'", str(error))
    yield from _unusable_gate(where, said.get("suspend"))


def _not_plain(where: str, said: Mapping[str, Json]) -> list[Mistake]:
    try:
        canonical_json(said)
    except (ValueError, RecursionError):
        return [Mistake(where, "must be plain JSON: no NaN, no half characters, no deep nesting")]
    return []


def _unusable_gate(where: str, suspend: Json) -> Iterator[Mistake]:
    key = "timeout"
    try:
        gate = options.gate_options(suspend)
        key = "resume_form"
        if gate is not None:
            forms.check_schema(gate)
    except (BadInput, ValueError) as error:
        yield Mistake(f"{where}, key 'suspend.{key}'", str(error))


def _spec(
    index: int, cell_id: str, source: str, tags: list[str], said: Mapping[str, Json]
) -> StepSpec:
    timeout = said.get("timeout")
    return StepSpec(
        id=StepId(said.get("id", cell_id)),
        index=index,
        source_hash=sha256(source.encode(errors="surrogatepass")),
        summary=said.get("summary", ""),
        gate=options.gate_options(said.get("suspend")),
        timeout=None if timeout is None else durations.seconds(timeout),
        evidence="evidence" in tags,
        replay="replay" in tags,
        skipped="skip-execution" in tags,
        raises="raises-exception" in tags,
    )
