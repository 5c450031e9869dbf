"""The pages' templates, as they are drawn in one language.

A template marks its own texts with `_("…")`, `_("Run %(name)s", name=…)` and `ngettext`, and passes
what the core says through the filter `say`. An author's words pass through it as they are.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from jupyter_flows.web.languages import Language
from jupyter_flows.web.times import time


def drawn(language: Language, template: str, **values: object) -> str:
    """The page that a template makes of these values."""
    return pages_in(language).get_template(template).render(**values)


@cache
def pages_in(language: Language) -> Environment:
    pages = Environment(
        loader=PackageLoader("jupyter_flows.web"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    i18n: Any = pages
    i18n.install_gettext_callables(language.gettext, language.ngettext, newstyle=True)
    pages.globals.update({"_": _texts(language), "language": language, "time": time})
    pages.filters.update(
        say=language.say,
        moment=language.moment,
        duration=language.duration,
        filesize=language.size,
    )
    return pages


def _texts(language: Language) -> Callable[..., Markup]:
    """What `_` does in a template. Jinja's own looks its text up and escapes it anew for every
    page, which was a fifth of the time that one took.
    """

    @cache
    def said(text: str) -> Markup:
        return Markup(language.gettext(text))  # noqa: S704 (a text of ours)

    def text_of(text: str, /, **values: object) -> Markup:
        return said(text) % values

    return text_of
