"""From a form's schema to its fields. What can't be drawn becomes a field for JSON."""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from jupyter_flows.core.forms import schema as schemas
from jupyter_flows.core.forms.choices import (
    YES_NO,
    choice,
    choice_field,
    choice_of,
    constant,
    is_one_value,
)
from jupyter_flows.core.forms.flatten import ANNOTATIONS, Schema, flattened, merged, types_of
from jupyter_flows.core.forms.guess import guessed
from jupyter_flows.core.forms.kinds import Field, Kind, Limits
from jupyter_flows.core.forms.nulls import is_null, with_null, without_null
from jupyter_flows.core.model import GateOptions, Json
from jupyter_flows.core.sentences import sentence

MAX_FIELDS = 1000
MAX_DEPTH = 12
"""What is over is drawn as JSON: references can make a few lines into millions of fields."""

_OPAQUE = frozenset(
    {
        "$dynamicRef", "$dynamicAnchor", "$id", "if", "then", "else", "dependentSchemas",
        "dependencies", "patternProperties", "propertyNames", "prefixItems",
    }
)  # fmt: skip
"""Keywords whose meaning no plain field shows."""

_FORMATS: Mapping[str, Kind] = {
    "textarea": Kind.AREA,
    "yaml": Kind.AREA,
    "sql": Kind.AREA,
    "markdown": Kind.AREA,
    "password": Kind.PASSWORD,
    "email": Kind.EMAIL,
    "idn-email": Kind.EMAIL,
    "uri": Kind.URI,
    "iri": Kind.URI,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "date-time": Kind.DATE_TIME,
    "data-url": Kind.FILE,
    "byte": Kind.FILE,
    "binary": Kind.FILE,
}
LONG_TEXT = 200
"""A text that may be longer than this has an area of several lines."""


def form_of(options: GateOptions) -> Field | None:
    """The whole form as one field; None if the gate has none."""
    return None if options.form is None else _form(schemas.key_of(options))


@functools.lru_cache(schemas.KEPT)
def _form(key: str) -> Field:
    try:
        schema = schemas.effective_of(key)
        return _Drawing(schema).root()
    except RecursionError:
        return Field(Kind.JSON, required=True)


class _Drawing:
    """One schema being turned into fields."""

    def __init__(self, schema: Schema) -> None:
        self._root = schema
        self._left = MAX_FIELDS

    def root(self) -> Field:
        without_id = {key: value for key, value in self._root.items() if key != "$id"}
        field = self.field(without_id, "", frozenset({"#"}), 0)
        field = replace(field, required=True, nullable=False, default=UNSET)
        if field.kind is not Kind.OBJECT:
            return field
        properties = self._root["properties"]
        kept = {n for n, x in properties.items() if isinstance(x, dict) and "default" in x}
        variants = [replace(x, children=_kept(x.children, kept)) for x in field.variants]
        return replace(field, children=_kept(field.children, kept), variants=tuple(variants))

    def field(
        self, schema: Json, key: str, seen: frozenset[str], depth: int, *, required: bool = False
    ) -> Field:
        self._left -= 1
        if not isinstance(schema, dict):
            return Field(Kind.JSON, key=key, required=required)
        flat = None
        if self._left >= 0 and depth <= MAX_DEPTH:
            flat = self._flat(schema, seen)
        if flat is None:
            return self._json(schema, key, required=required)
        inner, nullable = without_null(flat[0])
        found = self._drawn(inner, flat[1], depth)
        if found is None:
            return self._json(flat[0], key, required=required)
        found = _decided(found, required=required, nullable=nullable)
        default = flat[0].get("default", UNSET)
        return replace(found, key=key, required=required, default=default, **_said(flat[0]))

    def _flat(self, schema: Schema, seen: frozenset[str]) -> tuple[Schema, frozenset[str]] | None:
        """The schema as one, also where all but one of its alternatives are null."""
        flat = flattened(schema, self._root, seen)
        if flat is None or _OPAQUE & flat[0].keys():
            return None
        whole, seen = flat
        for keyword in ("oneOf", "anyOf"):
            alternatives = whole.get(keyword, [])
            real = [one for one in alternatives if not is_null(one)]
            if len(real) != 1:
                continue
            rest = {name: value for name, value in whole.items() if name != keyword}
            only = self._flat(real[0], seen) if isinstance(real[0], dict) else None
            united = merged(only[0], rest) if only else None
            if only is None or united is None:
                return None
            if len(real) < len(alternatives):
                types = [] if "type" in united else guessed(united)
                united = with_null({**united, "type": types} if types else united)
            return united, seen | only[1]
        return whole, seen

    def _json(self, schema: Schema, key: str, *, required: bool) -> Field:
        default = schema.get("default", UNSET)
        return Field(Kind.JSON, key=key, required=required, default=default, **_said(schema))

    def _drawn(self, schema: Schema, seen: frozenset[str], depth: int) -> Field | None:
        """The field by its kind alone. None for what can't be drawn."""
        if "oneOf" in schema or "anyOf" in schema:
            return self._of_alternatives(schema, seen, depth)
        if "const" in schema:
            return constant(schema["const"], schema)
        if "enum" in schema:
            return choice_field(schema["enum"], schema)
        types = types_of(schema["type"]) if "type" in schema else guessed(schema)
        if len(types) > 1:
            bare = {name: value for name, value in schema.items() if name not in ANNOTATIONS}
            each = [{**bare, "type": name, "title": _TYPE_NAMES[name]} for name in types]
            return self._variants(each, seen, depth)
        draw = _DRAW.get(types[0]) if types else None
        found: Field | None = draw(self, schema, seen, depth) if draw else None
        return found

    # ------------------------------------------------------------ alternatives

    def _of_alternatives(self, schema: Schema, seen: frozenset[str], depth: int) -> Field | None:
        if "oneOf" in schema and "anyOf" in schema:
            return None
        alternatives = schema.get("oneOf") or schema["anyOf"]
        base = {name: value for name, value in schema.items() if name not in ("oneOf", "anyOf")}
        if all(isinstance(one, dict) and set(one) <= {"required"} for one in alternatives):
            return self._drawn(base, seen, depth)
        flats = [self._flat(one, seen) if isinstance(one, dict) else None for one in alternatives]
        each = [flat[0] for flat in flats if flat is not None]
        if len(each) < len(flats):
            return None
        seen = seen.union(*(flat[1] for flat in flats if flat is not None))
        if not {"properties", "items"} & base.keys() and all(map(is_one_value, each)):
            return Field(Kind.CHOICE, choices=tuple(map(choice_of, each)))
        if base.get("properties") and all(map(_is_object, each)):
            return self._object_with_variants(base, each, seen, depth)
        bare = {name: value for name, value in base.items() if name not in ANNOTATIONS}
        whole = [united for one in each if (united := merged(bare, one)) is not None]
        return self._variants(whole, seen, depth) if len(whole) == len(each) else None

    def _variants(self, each: list[Schema], seen: frozenset[str], depth: int) -> Field:
        fields = [self.field(one, "", seen, depth + 1, required=True) for one in each]
        return Field(Kind.VARIANTS, variants=tuple(map(_titled, fields, range(len(fields)))))

    def _object_with_variants(
        self, base: Schema, each: list[Schema], seen: frozenset[str], depth: int
    ) -> Field | None:
        """What all have stands once, before the choice; the rest in each variant."""
        common = base["properties"]
        required = base.get("required", ())
        apart = {name for one in each for name in one.get("properties", {})}
        by_all = [n for n in common if all(n in one.get("required", ()) for one in each)]
        shared = {
            **base,
            "properties": {n: field for n, field in common.items() if n not in apart},
            "required": [n for n in [*required, *by_all] if n not in apart],
        }
        whole = self.draw_object(shared, seen, depth, bare=True)
        variants: list[Field] = []
        for one in each:
            own = {name: field for name, field in common.items() if name in apart}
            united = merged({"properties": own}, {"properties": one.get("properties", {})})
            if united is None:
                return None
            wanted = [*(n for n in required if n in apart), *one.get("required", ())]
            wanted = [n for n in wanted if n not in common or n in apart]
            part = {**one, **united, "required": wanted}
            inner = self.draw_object(part, seen, depth + 1, bare=True)
            if inner is None:
                return None
            variants.append(replace(inner, required=True, **_said(one)))
        titled = tuple(map(_titled, variants, range(len(variants))))
        return None if whole is None else replace(whole, variants=titled)

    # ------------------------------------------------------------ one type

    def draw_object(
        self, schema: Schema, seen: frozenset[str], depth: int, *, bare: bool = False
    ) -> Field | None:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        if not properties and not bare and schema.get("additionalProperties") is not False:
            return None
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            if isinstance(schema.get(keyword), dict) and schema[keyword]:
                return None
        names = _ordered(properties, schema.get("order"))
        names += [name for name in required if name not in properties]
        children = [
            self.field(properties.get(name, True), name, seen, depth + 1, required=name in required)
            for name in dict.fromkeys(names)
            if properties.get(name, True) is not False
        ]
        return Field(Kind.OBJECT, children=tuple(children))

    def draw_list(self, schema: Schema, seen: frozenset[str], depth: int) -> Field | None:
        items = schema.get("items", True)
        if not isinstance(items, dict) or not items:
            return None
        if isinstance(schema.get("unevaluatedItems"), dict):
            return None
        one = self.field(items, "", seen, depth + 1)
        limits = Limits(
            min_rows=_count(schema, "minItems") or 0, max_rows=_count(schema, "maxItems")
        )
        if one.kind is Kind.CHOICE and not one.nullable:
            return Field(Kind.CHOICES, choices=one.choices, limits=limits)
        return Field(Kind.LIST, items=one, limits=limits)

    def draw_text(self, schema: Schema, _seen: frozenset[str], _depth: int) -> Field:
        kind = _FORMATS.get(_str(schema.get("format")), Kind.TEXT)
        encoding = ""
        if schema.get("contentEncoding") == "base64" or schema.get("format") in ("byte", "binary"):
            kind, encoding = Kind.FILE, "base64"
        elif kind is Kind.FILE:
            encoding = "data-url"
        elif schema.get("password") is True:
            kind = Kind.PASSWORD
        elif kind is Kind.TEXT and (_count(schema, "maxLength") or 0) > LONG_TEXT:
            kind = Kind.AREA
        limits = Limits(
            min_length=_count(schema, "minLength"),
            max_length=_count(schema, "maxLength"),
            pattern=schema.get("pattern"),
        )
        accept = _str(schema.get("contentMediaType"))
        return Field(kind, limits=limits, encoding=encoding, accept=accept)

    def draw_number(self, schema: Schema, _seen: frozenset[str], _depth: int) -> Field:
        kind = Kind.INTEGER if schema.get("type") in ("integer", ["integer"]) else Kind.NUMBER
        limits = Limits(
            least=schema.get("minimum", schema.get("exclusiveMinimum")),
            most=schema.get("maximum", schema.get("exclusiveMaximum")),
            multiple_of=schema.get("multipleOf"),
        )
        return Field(kind, limits=limits)

    def draw_boolean(self, _schema: Schema, _seen: frozenset[str], _depth: int) -> Field:
        return Field(Kind.BOOLEAN)

    def draw_null(self, _schema: Schema, _seen: frozenset[str], _depth: int) -> Field:
        return constant(None, {})


_DRAW: Mapping[str, Any] = {
    "string": _Drawing.draw_text,
    "number": _Drawing.draw_number,
    "integer": _Drawing.draw_number,
    "boolean": _Drawing.draw_boolean,
    "null": _Drawing.draw_null,
    "object": _Drawing.draw_object,
    "array": _Drawing.draw_list,
}

_TYPE_NAMES = {
    "string": sentence("Text"),
    "number": sentence("Number"),
    "integer": sentence("Whole number"),
    "boolean": sentence("Yes or no"),
    "null": sentence("Nothing"),
    "object": sentence("Fields"),
    "array": sentence("List"),
}


def _kept(children: Iterable[Field], names: Iterable[str]) -> tuple[Field, ...]:
    return tuple(replace(child, kept=child.key in names) for child in children)


def _decided(field: Field, *, required: bool, nullable: bool) -> Field:
    """The kind that may be left empty, or need not be asked, by what is known besides."""
    if field.kind is Kind.JSON:
        return field
    if nullable and field.kind is Kind.BOOLEAN:
        return Field(Kind.CHOICE, choices=YES_NO, nullable=True)
    if nullable and field.kind is Kind.CONST:
        return Field(Kind.CHOICE, choices=(choice(field.value),), nullable=True)
    if field.kind is Kind.CHOICE and len(field.choices) == 1 and required and not nullable:
        return Field(Kind.CONST, value=field.choices[0].value, choices=field.choices)
    return replace(field, nullable=nullable)


def _is_object(flat: Schema) -> bool:
    other = {"oneOf", "anyOf", "const", "enum"} & flat.keys()
    return flat.get("type", "object") in ("object", ["object"]) and not other


def _titled(field: Field, index: int) -> Field:
    """A variant's title: its own, or the constant that tells it apart."""
    if field.title:
        return field
    constants = [x for x in field.children if x.kind is Kind.CONST]
    told = (
        choice(constants[0].value).label
        if constants
        else sentence("Option {number}", number=index + 1)
    )
    return replace(field, title=told)


def _said(schema: Schema) -> dict[str, Any]:
    return {name: _str(schema.get(name)) for name in ("title", "description", "placeholder")}


def _str(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _count(schema: Schema, keyword: str) -> int | None:
    """JSON Schema takes 2.0 for an integer."""
    said = schema.get(keyword)
    return None if said is None else int(said)


def _ordered(properties: Mapping[str, Json], order: Json) -> list[str]:
    """G60: those that `order` names come first, as it says."""
    named = order if isinstance(order, list) else []
    first = [name for name in named if isinstance(name, str) and name in properties]
    return list(dict.fromkeys([*first, *properties]))
