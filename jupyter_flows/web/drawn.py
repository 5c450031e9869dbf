"""The pages' templates, as they are drawn in one language.

A template marks its own texts with `_("…")`, `_("Run %(name)s", name=…)` and `ngettext`, and passes
what the core says through the filter `say`.
"""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from jupyter_flows.web.languages import Language


@cache
def pages_in(language: Language) -> Environment:
    pages = Environment(
        loader=PackageLoader("jupyter_flows.web"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    i18n: Any = pages
    i18n.install_gettext_callables(language.gettext, language.ngettext, newstyle=True)
    pages.globals["language"] = language
    filters = {"say": language.say, "moment": language.moment, "filesize": language.size}
    pages.filters.update(filters)
    return pages
