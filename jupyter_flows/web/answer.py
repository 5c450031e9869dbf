"""What a reader has sent from a gate's page: the payload, and the entries to show again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jupyter_flows.core import forms
from jupyter_flows.core.errors import FormInvalid, Mistake
from jupyter_flows.core.forms import Entries, Parsed
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import GateOptions, Json
from jupyter_flows.web.form import hidden_options, restored
from jupyter_flows.web.posted import Posted
from jupyter_flows.web.typed import Typed


@dataclass(frozen=True, slots=True)
class Answer:
    """`parsed` None is a gate without a form. `is_edit`: a row was added or removed, no more."""

    options: GateOptions | None
    typed: Typed
    parsed: Parsed | None
    is_edit: bool

    def payload(self) -> Json:
        """Raises FormInvalid with all mistakes, where one was made in typing already."""
        if self.options is None or self.parsed is None:
            return {"message": self.typed.text}
        if self.parsed.mistakes:
            raise FormInvalid([*self.parsed.mistakes, *self._others()])
        return self.parsed.payload

    def _others(self) -> Iterable[Mistake]:
        """What the validator finds in the fields that could be read."""
        if self.options is None or self.parsed is None:
            return ()
        known = {mistake.path for mistake in self.parsed.mistakes}
        try:
            forms.check(self.options, forms.completed(self.options, self.parsed.payload))
        except FormInvalid as error:
            return [mistake for mistake in error.mistakes if mistake.path not in known]
        return ()

    def wrong(self, mistakes: Iterable[Mistake]) -> Typed:
        return replace(self.typed, mistakes=tuple(mistakes))


def answered(options: GateOptions | None, posted: Posted) -> Answer:
    message = posted.one("message").replace("\r\n", "\n")
    typed = Typed(message, posted.one("reason").replace("\r\n", "\n"))
    form = forms.form_of(options) if options else None
    if options is None or form is None:
        return Answer(options, typed, None, is_edit=False)
    fields = forms.with_uploads(form, posted.fields, posted.uploads)
    shown = forms.form_of(hidden_options(options, hide_tokens)) or form
    is_edit = bool(posted.one("_add") or posted.one("_remove"))
    if is_edit:
        fields = _edited(shown, fields, posted)
    parsed = forms.parse(form, restored(fields, form, shown))
    typed = replace(typed, fields=fields, place=parsed.place)
    return Answer(options, typed, parsed, is_edit)


def _edited(form: forms.Field, fields: Entries, posted: Posted) -> Entries:
    if posted.one("_add"):
        return forms.with_row(form, fields, posted.one("_add"))
    return forms.without_row(fields, posted.one("_remove"))


def plain_payload(options: GateOptions | None, posted: Posted) -> Json:
    """The payload of a form that a program sends, by the fields' own names."""
    form = forms.form_of(options) if options else None
    if form is None:
        return {name: x[0] if len(x) == 1 else list(x) for name, x in posted.fields.items()}
    files = forms.plain_uploads(form, posted.uploads)
    return forms.parse_plain(form, {**posted.fields, **files})
