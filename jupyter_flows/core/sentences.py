"""English sentences that remember how they were made, so that a door can say them in the reader's
language.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Self


class Sentence(str):
    """A text like any other, with the `template` that it was made from and the `values` in it.

    `plural` is the template for a number `n` other than 1; empty where the sentence has none.
    """

    __slots__ = ("plural", "template", "values")

    template: str
    plural: str
    values: Mapping[str, object]

    def __new__(cls, template: str, plural: str, values: Mapping[str, object]) -> Self:
        chosen = plural if plural and values["n"] != 1 else template
        made = super().__new__(cls, chosen.format(**values))
        made.template, made.plural, made.values = template, plural, values
        return made


def sentence(template: str, plural: str = "", /, **values: object) -> Sentence:
    """The template with its `{names}` filled in; with a second one, which is for `n` other than 1.

    Both are written out where this is called: the catalogues of other languages are made from
    there. Raises KeyError for a name without its value.
    """
    return Sentence(template, plural, values)


def either(texts: Sequence[str]) -> str:
    """All of them, of which there is at least one, as in "a text or a number"."""
    return reduce(lambda one, other: sentence("{one} or {other}", one=one, other=other), texts)
