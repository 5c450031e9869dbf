"""The one validator: every payload, whichever way it came, is judged here (G62)."""

import functools
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from jupyter_flows.core.errors import BadInput, FormInvalid, Mistake
from jupyter_flows.core.forms import bounded
from jupyter_flows.core.forms import schema as schemas
from jupyter_flows.core.forms.same import identity
from jupyter_flows.core.forms.words import said
from jupyter_flows.core.model import GateOptions, Json
from jupyter_flows.core.sentences import sentence

MAX_MISTAKES = 20
MAX_MESSAGE = 300
"""A refusal names this many mistakes, in this many characters each."""


def check(options: GateOptions, payload: Json) -> None:
    """Raises FormInvalid, naming every field that the form refuses (G62)."""
    if options.form is None:
        return
    mistakes = _mistakes(options, payload)
    if mistakes:
        raise FormInvalid(mistakes)


def _mistakes(options: GateOptions, payload: Json) -> list[Mistake]:
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 (slow; most have no form)

    if bounded.too_many(payload):
        return [Mistake("", sentence("has more than {most:,} values", most=bounded.MAX_VALUES), ())]
    try:
        errors = _validator(schemas.key_of(options)).iter_errors(payload)
        found = list(islice(_nearest(errors), MAX_MISTAKES))
    except Unresolvable as error:
        return [
            Mistake("", sentence("the form refers to what it lacks: {error}", error=str(error)), ())
        ]
    except RecursionError:
        return [Mistake("", sentence("the form or the payload is nested too deeply"), ())]
    except bounded.TooLong as error:
        return [
            Mistake(
                "",
                sentence(
                    "took too long to be held against the pattern {pattern}", pattern=str(error)
                ),
                (),
            )
        ]
    except ArithmeticError:
        return [Mistake("", sentence("has a number that is too large to be checked"), ())]
    found.sort(key=lambda error: list(map(str, error.absolute_path)))
    return [_mistake(error) for error in found]


def _mistake(error: Any) -> Mistake:
    path = tuple(error.absolute_path)
    return Mistake(".".join(map(str, path)), _brief(said(error)), path)


def _brief(message: str) -> str:
    """A message repeats the value, however long it is."""
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]} …"


def _nearest(errors: Iterable[Any]) -> Iterator[Any]:
    """Each error; in the place of "fits none of these", those of the alternative that was nearest,
    where one was.
    """
    for error in errors:
        inner = _nearest_alternative(error)
        if inner is None:
            yield error
        else:
            yield from _nearest(inner)


def _nearest_alternative(error: Any) -> list[Any] | None:
    if error.validator not in ("oneOf", "anyOf") or not error.context:
        return None
    each: dict[Any, list[Any]] = {}
    for inner in error.context:
        each.setdefault(inner.schema_path[0], []).append(inner)
    ranked = sorted(each.values(), key=_distance)
    if len(ranked) > 1 and _distance(ranked[0]) == _distance(ranked[1]):
        return None
    return ranked[0]


def _distance(errors: list[Any]) -> tuple[int, int]:
    """Another type or another constant is another alternative altogether."""
    foreign = sum(
        error.validator in ("const", "enum")
        or (error.validator == "type" and len(error.relative_path) == 0)
        for error in errors
    )
    return foreign, len(errors)


# ---------------------------------------------------------------- the validator


@functools.lru_cache(schemas.KEPT)
def _validator(key: str) -> Any:
    """Kept: to make one takes longer than to use it. The empty registry keeps it from fetching what
    a form refers to by URL.
    """
    import referencing  # noqa: PLC0415

    return _kind()(
        schemas.effective_of(key),
        format_checker=bounded.format_checker(),
        registry=referencing.Registry(),
    )


@functools.cache
def _kind() -> Any:
    import jsonschema  # noqa: PLC0415

    extend: Any = jsonschema.validators.extend
    own = {
        "uniqueItems": _unique_items,
        "required": _required,
        "pattern": bounded.pattern,
        "patternProperties": bounded.pattern_properties,
    }
    return extend(jsonschema.Draft202012Validator, own)


def _required(validator: Any, names: Json, value: Json, _: Json) -> Iterator[Any]:
    """The keyword, with the error at the field that is missing."""
    from jsonschema import ValidationError  # noqa: PLC0415

    if validator.is_type(value, "object"):
        for name in names:
            if name not in value:
                yield ValidationError("is required", path=(name,))


def _unique_items(validator: Any, wanted: Json, items: Json, _: Json) -> Iterator[Any]:
    """The keyword in time that grows with the number of items, not with its square."""
    from jsonschema import ValidationError  # noqa: PLC0415

    if not wanted or not validator.is_type(items, "array"):
        return
    if len({identity(item) for item in items}) < len(items):
        yield ValidationError("has items that are alike")


def check_schema(options: GateOptions) -> None:
    """Raises BadInput when the form is not a JSON Schema."""
    if options.form is None:
        return
    import jsonschema  # noqa: PLC0415

    try:
        jsonschema.Draft202012Validator.check_schema(dict(options.form))
        jsonschema.Draft202012Validator.check_schema(schemas.effective(options) or {})
    except jsonschema.SchemaError as error:
        at = ".".join(map(str, error.absolute_path))
        raise BadInput(f"the form's schema is wrong at {at!r}: {error.message}") from None
    except RecursionError:
        raise BadInput("the form's schema is nested too deeply") from None
