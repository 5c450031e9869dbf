"""A script step as Python text: its function's source, and the call with the step's inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_flows.core.model import Json
from jupyter_flows.openflow import options
from jupyter_flows.openflow.literal import laid_out
from jupyter_flows.openflow.place import Place
from jupyter_flows.openflow.python_step import python_step
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.script import LANGUAGES, script

PYTHON = "python3"


@dataclass(slots=True)
class Function:
    """`source` None: it could not be had, and `refused` says why. `inputs`: what could be said of
    them, by name; `unsaid`: the JavaScript of the others.
    """

    source: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    takes_any: bool = False
    waits: bool = False
    defined: frozenset[str] = frozenset()
    inputs: dict[str, str | None] = field(default_factory=dict)
    unsaid: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def call(self, name: str = "main", indent: str = "") -> str:
        """The call with its inputs; those without a value are left to the function's defaults."""
        given = [
            f"{self.parameters.get(parameter, parameter)}={text or 'None'}"
            for parameter, text in self.inputs.items()
            if text is not None or parameter not in self.optional
        ]
        wait = "await " if self.waits else ""
        return wait + laid_out(f"{name}(", given, ")", indent)


def function_of(value: Mapping[str, Json], place: Place) -> Function:
    """The function of a rawscript module's value."""
    found = _defined(value["content"], value["language"])
    transforms = value.get("input_transforms") or {}
    for name, text, notes, why in options.inputs(transforms, place):
        if why is not None:
            found.refused.append(f"the input {name!r}: {why}")
            found.unsaid[name] = str(transforms[name].get("expr", transforms[name].get("value")))
        elif _takes(found, name):
            found.inputs[name] = text
            found.notes += notes
    if found.source is not None:
        missing = set(found.parameters) - set(transforms) - found.optional
        found.notes += [f"the parameter {name!r} has no input" for name in sorted(missing)]
    for key in ("concurrent_limit", "is_trigger"):
        if value.get(key):
            found.notes.append(f"`{key}` is not carried over")
    return found


def _defined(content: str, language: str) -> Function:
    try:
        if language == PYTHON:
            step = python_step(content)
            return Function(
                source=step.source,
                parameters={name: name for name in step.parameters},
                optional=step.optional,
                takes_any=step.takes_any,
                waits=step.waits,
                defined=step.defined,
                notes=list(step.notes),
            )
        if language in LANGUAGES:
            read = script(content, language)
            return Function(
                source=read.source,
                parameters=read.parameters,
                optional=read.optional,
                notes=list(read.notes),
            )
    except Untranslatable as error:
        return Function(refused=[str(error)])
    return Function(refused=[f"it is written in {language}"])


def _takes(function: Function, name: str) -> bool:
    if function.source is None or name in function.parameters:
        return True
    if function.takes_any and name.isidentifier():
        return True
    function.notes.append(f"the input {name!r} is no parameter of its `main`")
    return False
