"""hypothesis-jsonschema on a Hypothesis that is newer than it: `many` has no `more` there."""

from types import SimpleNamespace

import hypothesis_jsonschema._from_schema as generator
from hypothesis.internal.conjecture import utils


class Many:
    """Today's `many`, to be asked as the earlier one was."""

    def __init__(self, data, **sizes):
        self._many = utils.many(data, **sizes)
        self._rows = None

    def more(self):
        if self._rows is None:
            self._rows = iter(self._many.__enter__())
        for _ in self._rows:
            return True
        self._many.__exit__(None)
        return False

    def reject(self, why=None):
        self._many.reject(why)


if not hasattr(utils.many, "more"):
    generator.cu = SimpleNamespace(many=Many)

from_schema = generator.from_schema
