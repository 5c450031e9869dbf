"""A notebook read as a flow: its code cells as steps, and every mistake in it at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from jupyter_flows.core import durations, entries, forms, gating, options
from jupyter_flows.core.canonical import canonical_json, sha256
from jupyter_flows.core.checkpoint import CheckpointOptions
from jupyter_flows.core.descriptions import Unfit, read_description
from jupyter_flows.core.errors import BadInput, FlowInvalid, Mistake
from jupyter_flows.core.model import Json, Section, StepId, StepSpec
from jupyter_flows.core.sections import Outline, begins_with_heading

NOT_PYTHON = "needs a Python kernel, and this notebook's kernel runs another language"


@dataclass(frozen=True, slots=True)
class Flow:
    """What a run needs to know of a notebook. `warnings` are sentences for the author."""

    steps: tuple[StepSpec, ...]
    name: str | None = None
    timeout: float | None = None
    concurrency: int | None = None
    queue: str | None = None
    checkpointing: CheckpointOptions = field(default_factory=CheckpointOptions)
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What has been found so far, while the cells are read."""

    is_python: bool
    is_script: bool = False
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    steps: list[StepSpec] = field(default_factory=list)
    outline: Outline = field(default_factory=Outline)


def read_flow(notebook: Mapping[str, Json]) -> Flow:
    """The flow in a notebook of nbformat 4.5 (every cell has an id).

    Raises FlowInvalid with all mistakes, each named by cell, key and what is allowed.
    """
    reading = _Reading(_language(notebook) in ("python", ""), entries.is_script(notebook))
    settings = _settings(notebook, reading.mistakes)
    for index, cell in enumerate(notebook["cells"]):
        _read_cell(index, cell, reading)
    reading.mistakes += _repeated(reading.steps)
    if reading.mistakes:
        raise FlowInvalid(reading.mistakes)
    timeout = settings.get("timeout")
    return Flow(
        steps=tuple(reading.steps),
        name=settings.get("name"),
        timeout=None if timeout is None else durations.seconds(timeout),
        concurrency=_whole(settings.get("concurrency")),
        queue=settings.get("queue"),
        checkpointing=options.checkpoint(settings.get("checkpoint")) or CheckpointOptions(),
        warnings=tuple(reading.warnings),
    )


def _whole(number: float | None) -> int | None:
    """JSON Schema takes 2.0 for an integer."""
    return None if number is None else int(number)


def _language(notebook: Mapping[str, Json]) -> str:
    """The language of the notebook's kernel, or "" where nothing says it."""
    metadata = notebook.get("metadata", {})
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        said = metadata.get(key)
        if isinstance(said, dict) and isinstance(said.get(name), str):
            return str(said[name]).lower()
    return ""


def _settings(notebook: Mapping[str, Json], mistakes: list[Mistake]) -> Mapping[str, Json]:
    where = "notebook metadata.flow"
    settings = notebook.get("metadata", {}).get("flow", {})
    if not isinstance(settings, dict):
        mistakes.append(Mistake(where, "must be an object"))
        return {}
    wrong = [*options.checked("notebook", settings, where), *_not_plain(where, settings)]
    mistakes += wrong or [
        *_unusable_duration(where, "timeout", settings),
        *_unusable_grace(where, settings),
    ]
    return settings


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


def _read_cell(index: int, cell: Mapping[str, Json], reading: _Reading) -> None:
    where = _where(index, cell["id"])
    metadata = cell.get("metadata", {})
    tags = metadata.get("tags", [])
    source = str(cell["source"])
    reading.warnings += [
        f"{where}: the tag {tag!r} means nothing here; did you mean {near!r}?"
        for tag, near in options.near_tags(tags)
    ]
    if cell["cell_type"] != "code":
        section = _read_heading(where, cell, source, reading)
        reading.mistakes += _misplaced(where, cell["cell_type"], tags)
        if cell["cell_type"] == "markdown":
            reading.outline.pass_heading(source, section)
        return
    said, found = _options_of(where, source, metadata, tags)
    if not found:
        found += _of_no_use(where, said, tags)
        found += _unusable_expressions(where, said, is_python=reading.is_python)
    reading.mistakes += found
    if not found and (source.strip() or "suspend" in said):
        reading.warnings += _unfit_description(where, said.get("suspend"))
        sections = reading.outline.sections
        spec = _spec(index, cell, tags, said, sections)
        reading.steps.append(_with_entry(spec, source, reading) if reading.is_python else spec)


def _unfit_description(where: str, suspend: Json) -> Iterator[str]:
    """A warning: the page shows such a description as JSON."""
    description = suspend.get("description") if isinstance(suspend, dict) else None
    for part in read_description(description):
        if isinstance(part, Unfit):
            yield f"{where}, key 'suspend.description': {part.why}"


def _read_heading(
    where: str, cell: Mapping[str, Json], source: str, reading: _Reading
) -> Section | None:
    """The section that a heading cell with a condition begins (G83)."""
    said = cell.get("metadata", {}).get("flow")
    if not said:
        return None
    if cell["cell_type"] != "markdown" or not begins_with_heading(source):
        kind = cell["cell_type"]
        what = kind if kind != "markdown" else "a Markdown cell that begins with no heading"
        reading.mistakes.append(
            Mistake(
                f"{where}, metadata.flow",
                f"only code cells are steps, and headings begin sections; this is {what}",
            )
        )
        return None
    if not isinstance(said, dict):
        reading.mistakes.append(Mistake(f"{where}, metadata.flow", "must be an object"))
        return None
    found = [*options.checked("heading", said, where), *_not_plain(where, said)]
    found = found or list(_unusable_expressions(where, said, is_python=reading.is_python))
    reading.mistakes += found
    if found or said.get("skip_if") is None:
        return None
    return Section(str(cell["id"]), options.expression(said["skip_if"]) or "")


def _misplaced(where: str, kind: str, tags: list[str]) -> Iterator[Mistake]:
    for tag in ("suspend", "failure"):
        if tag in tags:
            yield Mistake(f"{where}, tag {tag!r}", f"only code cells are steps; this is {kind}")


def _of_no_use(where: str, said: Mapping[str, Json], tags: list[str]) -> Iterator[Mistake]:
    """A `failure` cell runs when the run has failed: what decides how a run goes on has no place
    there.
    """
    if "failure" not in tags:
        return
    for key in ("suspend", "stop_after_if", "sleep", "continue_on_error", "checkpoint"):
        if said.get(key) not in (None, False):
            yield Mistake(
                f"{where}, key {key!r}",
                "has no place in a cell tagged 'failure': the run ends behind it; allowed:"
                " id, summary, timeout, retry, skip_if",
            )


def _unusable_expressions(
    where: str, said: Mapping[str, Json], *, is_python: bool
) -> Iterator[Mistake]:
    for key, expr in options.expressions(said):
        wrong = options.expression_mistake(expr) if is_python else NOT_PYTHON
        if wrong:
            yield Mistake(f"{where}, key {key!r}", wrong)
    suspend = said.get("suspend")
    if not is_python and isinstance(suspend, dict) and suspend.get("validate"):
        yield Mistake(f"{where}, key 'suspend.validate'", NOT_PYTHON)


def _options_of(
    where: str, source: str, metadata: Mapping[str, Json], tags: list[str]
) -> tuple[dict[str, Json], list[Mistake]]:
    lines, mistakes = options.option_lines(source, where)
    own = metadata.get("flow", {})
    if not isinstance(own, dict):
        mistakes.append(Mistake(f"{where}, metadata.flow", "must be an object"))
        own = {}
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
    for key in ("timeout", "sleep"):
        yield from _unusable_duration(where, key, said)
    yield from _unusable_grace(where, said)
    for kind in ("constant", "exponential"):
        retry = said.get("retry")
        tries = retry.get(kind, {}) if isinstance(retry, dict) else {}
        yield from _unusable_duration(where, "seconds", tries, f"retry.{kind}.seconds")
    yield from _unusable_gate(where, said.get("suspend"))


def _unusable_duration(
    where: str, key: str, said: Mapping[str, Json], shown: str | None = None
) -> Iterator[Mistake]:
    try:
        durations.seconds(said.get(key) or 0)
    except ValueError as error:
        yield Mistake(f"{where}, key {shown or key!r}", str(error))


def _unusable_grace(where: str, said: Mapping[str, Json]) -> Iterator[Mistake]:
    own = said.get("checkpoint")
    if isinstance(own, dict):
        yield from _unusable_duration(where, "grace", own, "checkpoint.grace")


def _not_plain(where: str, said: Mapping[str, Json]) -> list[Mistake]:
    try:
        canonical_json(said)
    except (ValueError, RecursionError):
        return [Mistake(where, "must be plain JSON: no NaN, no half characters, no deep nesting")]
    return []


def _unusable_gate(where: str, suspend: Json) -> Iterator[Mistake]:
    key = "timeout"
    try:
        gate = gating.gate_options(suspend)
        key = "resume_form"
        if gate is not None:
            forms.check_schema(gate)
            wrong = gating.gate_mistake(gate)
            if wrong is not None:
                yield Mistake(f"{where}, key 'suspend.{wrong[0]}'", wrong[1])
    except (BadInput, ValueError) as error:
        yield Mistake(f"{where}, key 'suspend.{key}'", str(error))


def _spec(
    index: int,
    cell: Mapping[str, Json],
    tags: list[str],
    said: Mapping[str, Json],
    sections: tuple[Section, ...],
) -> StepSpec:
    failure = "failure" in tags
    return StepSpec(
        id=StepId(said.get("id", cell["id"])),
        index=index,
        source_hash=sha256(str(cell["source"]).encode(errors="surrogatepass")),
        summary=said.get("summary", ""),
        gate=gating.gate_options(said.get("suspend")),
        timeout=_seconds(said.get("timeout")),
        evidence="evidence" in tags,
        replay="replay" in tags,
        skipped="skip-execution" in tags,
        raises="raises-exception" in tags,
        skip_if=options.expression(said.get("skip_if")),
        sections=() if failure else sections,
        stop_after_if=options.early_stop(said.get("stop_after_if")),
        sleep=_seconds(said.get("sleep")),
        retry=options.retry(said.get("retry")),
        once=said.get("retry") == options.NEVER,
        continue_on_error=bool(said.get("continue_on_error", False)),
        failure=failure,
        scripts=bool(said.get("scripts", False)),
        cell=None if said.get("id", cell["id"]) == cell["id"] else str(cell["id"]),
        checkpoint=options.checkpoint(said.get("checkpoint")),
    )


def _with_entry(spec: StepSpec, source: str, reading: _Reading) -> StepSpec:
    unasked = reading.is_script or spec.gate is not None
    return replace(spec, asks=entries.asks(source), entry=entries.entry(source, unasked=unasked))


def _seconds(duration: Json) -> float | None:
    return None if duration is None else durations.seconds(duration)
