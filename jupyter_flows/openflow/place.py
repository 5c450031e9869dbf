"""One place in a flow: what the input and earlier steps' results are called there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jupyter_flows.core.model import Json
from jupyter_flows.openflow import python
from jupyter_flows.openflow.literal import literal, quoted, references
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.scope import PRIMARY, Path, Scope, Text

BOUND = ("resume", "resumes", "approvers")
WINDMILLS = ("variable", "resource", "step", "params")

_LENGTH = 100


def shortened(text: str) -> str:
    """On one line."""
    line = " ".join(text.replace("\0", "").split())
    return line if len(line) <= _LENGTH else f"{line[:_LENGTH]} …"


def result_of(step: str) -> Text:
    return Text(f"results[{quoted(step)}]")


def perhaps(step: str, otherwise: Text | None = None) -> Text:
    """The result of a step that may have been skipped; a skipped one passes on what came before."""
    behind = "" if otherwise is None else f", {otherwise.text}"
    return Text(f"results.get({quoted(step)}{behind})")


@dataclass(frozen=True, slots=True)
class Place:
    """`results`: how each earlier step's result is said; `previous`: the one before; `inputs`: the
    input's fields and their kinds; `env`: the flow's constants; `paths`: what is only known here.
    """

    input_step: str
    results: Mapping[str, Text] = field(default_factory=dict)
    previous: Text | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, Json] = field(default_factory=dict)
    paths: Mapping[Path, Text] = field(default_factory=dict)
    level: int = 2
    inside: str = ""

    def behind(self, step: str, result: Text | None = None) -> "Place":
        """The place after that step."""
        said = result or result_of(step)
        return replace(self, results={**self.results, step: said}, previous=said)

    def knows(self, paths: Mapping[Path, Text]) -> "Place":
        return replace(self, paths={**self.paths, **paths})

    @property
    def before(self) -> Text:
        """What the step before has given; for the first one, the flow's input."""
        return self.previous or result_of(self.input_step)

    def value(self, source: str) -> tuple[Text, tuple[str, ...]]:
        """A JavaScript expression in Python, and notes. Raises Untranslatable."""
        return python.expression(source, self._scope())

    def condition(self, source: str) -> tuple[Text, tuple[str, ...]]:
        return python.condition(source, self._scope())

    def _scope(self) -> Scope:
        return Scope(
            paths={
                ("flow_input",): result_of(self.input_step),
                ("previous_result",): self.before,
                ("results",): Text("results"),
                **{(name,): Text(name) for name in BOUND},
                **self.paths,
            },
            members={
                "results": self._result,
                "flow_input": self._input,
                "flow_env": self._constant,
            },
            unknown=_unknown,
        )

    def _result(self, step: str) -> Text:
        if step not in self.results:
            raise Untranslatable(f"no step {step!r} comes before it")
        return self.results[step]

    def _input(self, name: str) -> Text:
        of = result_of(self.input_step).text
        if name not in self.inputs:
            return Text(f"{of}.get({quoted(name)})")
        return Text(f"{of}[{quoted(name)}]", PRIMARY, self.inputs[name])

    def _constant(self, name: str) -> Text:
        value = self.env.get(name)
        for reference in references(value):
            raise Untranslatable(f"{reference!r} stands in Windmill's workspace")
        return Text(literal(value), PRIMARY, "text" if isinstance(value, str) else "any")


def _unknown(name: str) -> str:
    if name in WINDMILLS:
        return f"Windmill's `{name}` has no counterpart"
    return f"the name {name!r} is not known there"
