"""Branches as sections of the notebook: headings with `skip_if`, and a cell that has the result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from jupyter_flows.core.model import Json
from jupyter_flows.openflow import options
from jupyter_flows.openflow.book import Book, Line
from jupyter_flows.openflow.literal import INDENT
from jupyter_flows.openflow.place import Place, perhaps, result_of
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.scope import CHOICE, OR, Text
from jupyter_flows.openflow.steps import Module, kind_of, summary_of, write_marked

DEEPEST = 6
"""As many levels of headings as notebooks have."""

WriteAll = Callable[[Book, Sequence[Module], Place], Place]


@dataclass(frozen=True, slots=True)
class _Branch:
    """`number` is what the deciding cell says when it is taken."""

    number: int
    title: str
    modules: Sequence[Module]


def write_one(
    book: Book, module: Module, place: Place, tags: Sequence[str], write_all: WriteAll
) -> Place:
    """`branchone`: one cell decides, once; every other branch is skipped."""
    value, step = module["value"], module["id"]
    try:
        flow, notes, skip = _settings(module, place)
        asked, found = _conditions(value["branches"], place)
    except Untranslatable as error:
        return write_marked(book, module, place, tags, [str(error)])
    decision = book.new_id(f"{step}-branch")
    book.code(
        decision,
        f"# The branch of {step!r} that is taken: the first whose condition holds, or 0, the"
        f" default.\n{_decided(asked, skip)}",
    )
    book.lines.append(_line(module, [*notes, *found]))
    branches = [
        _Branch(number, _title(branch), branch["modules"])
        for number, branch in enumerate(value["branches"], 1)
    ]
    branches.append(_Branch(0, "the default", value.get("default") or []))
    chosen = result_of(decision).text
    results: list[tuple[str, Text]] = []
    seen = dict(place.results)
    for branch in branches:
        if branch.modules:
            skip_if = {"skip_if": {"expr": f"{chosen} != {branch.number}"}}
            inner = _section(book, step, branch, place, skip_if=skip_if, write_all=write_all)
            seen |= _perhaps(inner, place)
            results.append((f"{chosen} == {branch.number}", inner.before))
    _join(book, module, flow, _chosen(results, place.before), level=place.level, tags=tags)
    return replace(place, results=seen).behind(step)


def write_each(
    book: Book, module: Module, place: Place, tags: Sequence[str], write_all: WriteAll
) -> Place:
    """`branchall`: one branch after the other, and the list of their results."""
    step = module["id"]
    try:
        flow, notes, skip = _settings(module, place)
    except Untranslatable as error:
        return write_marked(book, module, place, tags, [str(error)])
    if module["value"].get("parallel"):
        notes.append("its branches run one after the other")
    skip_if: dict[str, Json] = {}
    if skip is not None:
        decision = book.new_id(f"{step}-skip")
        book.code(decision, f"# Whether {step!r} is skipped.\n{skip.text}")
        skip_if = {"skip_if": {"expr": result_of(decision).text}}
    at = len(book.lines)
    results: list[str] = []
    seen = dict(place.results)
    for number, said in enumerate(module["value"]["branches"], 1):
        modules = _forgiving(said, notes)
        branch = _Branch(number, _title(said), modules)
        inner = _section(book, step, branch, place, skip_if=skip_if, write_all=write_all)
        seen |= _perhaps(inner, place) if skip_if else inner.results
        results.append(inner.before.text)
    book.lines.insert(at, _line(module, notes))
    listed = f"[{', '.join(results)}]"
    if skip_if:
        listed = f"{place.before.text} if {skip_if['skip_if']['expr']} else {listed}"
    _join(book, module, flow, listed, level=place.level, tags=tags)
    return replace(place, results=seen).behind(step)


def _settings(module: Module, place: Place) -> tuple[dict[str, Json], list[str], Text | None]:
    """The options of the cell behind the branches, notes, and when all of it is skipped."""
    if place.level > DEEPEST:
        raise Untranslatable(f"it is nested deeper than {DEEPEST - 1} branches")
    kept = {key: said for key, said in module.items() if key != "skip_if"}
    flow, refused, notes = options.carried(kept, place, (), options.AFTER)
    if refused:
        raise Untranslatable("; ".join(refused))
    if not module.get("skip_if") or not module["skip_if"]["expr"].strip():
        return flow, notes, None
    skip, found = place.condition(module["skip_if"]["expr"])
    return flow, [*notes, *found], skip


def _conditions(
    branches: Sequence[Mapping[str, Json]], place: Place
) -> tuple[list[Text], list[str]]:
    asked: list[Text] = []
    notes: list[str] = []
    for number, branch in enumerate(branches, 1):
        try:
            text, found = place.condition(branch["expr"])
        except Untranslatable as error:
            raise Untranslatable(f"the condition of its branch {number}: {error}") from None
        asked.append(text)
        notes += found
    return asked, notes


def _decided(asked: Sequence[Text], skip: Text | None) -> str:
    choices = [f"{number} if {text.at(OR)}" for number, text in enumerate(asked, 1)]
    if skip is not None:
        choices.insert(0, f"None if {skip.at(OR)}")
    if len(choices) <= 1:
        return f"{choices[0]} else 0" if choices else "0"
    return "(\n" + "".join(f"{INDENT}{choice} else\n" for choice in choices) + f"{INDENT}0\n)"


def _chosen(results: Sequence[tuple[str, Text]], otherwise: Text) -> str:
    choices = [f"{text.at(CHOICE)} if {asked}" for asked, text in results]
    if len(choices) <= 1:
        return f"{choices[0]} else {otherwise.text}" if choices else otherwise.text
    lines = "".join(f"{INDENT}{choice} else\n" for choice in choices)
    return f"(\n{lines}{INDENT}{otherwise.text}\n)"


def _title(branch: Mapping[str, Json]) -> str:
    return " ".join((branch.get("summary") or "").split())


def _section(
    book: Book,
    step: str,
    branch: _Branch,
    place: Place,
    *,
    skip_if: Mapping[str, Json],
    write_all: WriteAll,
) -> Place:
    """The branch below its heading; the place behind its last step."""
    heading = f"{'#' * place.level} {step}, branch {branch.number}"
    title = f"{heading}: {branch.title}" if branch.title else heading
    book.markdown(book.new_id(f"{step}-branch-{branch.number}"), title, skip_if)
    return write_all(
        book, branch.modules, replace(place, level=place.level + 1, inside="the branch")
    )


def _perhaps(inner: Place, place: Place) -> dict[str, Text]:
    """From outside nobody knows whether a branch's steps have run."""
    return {step: perhaps(step) for step in inner.results if step not in place.results}


def _forgiving(branch: Mapping[str, Json], notes: list[str]) -> Sequence[Module]:
    modules: Sequence[Module] = branch["modules"]
    if not branch.get("skip_failure"):
        return modules
    if len(modules) == 1 and modules[0]["value"]["type"] in ("rawscript", "identity"):
        return [{**modules[0], "continue_on_error": True}]
    notes.append("`skip_failure` of a branch is not carried over: its failure fails the run")
    return modules


def _join(
    book: Book,
    module: Module,
    flow: Mapping[str, Json],
    result: str,
    *,
    level: int,
    tags: Sequence[str],
) -> None:
    step = module["id"]
    book.markdown(book.new_id(f"{step}-end"), f"{'#' * level} {step}, after its branches")
    book.code(step, f"# What the branches of {step!r} have given.\n{result}", flow, tags)


def _line(module: Module, notes: Sequence[str]) -> Line:
    said = tuple(dict.fromkeys(notes))
    return Line(module["id"], kind_of(module), module["id"], summary_of(module), (), said)
