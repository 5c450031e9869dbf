"""What a form is made of: fields, each of one kind, as frozen values. Nothing here knows HTML."""

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from jupyter_flows.core.model import Json


class Kind(StrEnum):
    TEXT = "text"
    AREA = "area"
    PASSWORD = "password"  # noqa: S105 (the kind's name)
    EMAIL = "email"
    URI = "uri"
    DATE = "date"
    TIME = "time"
    DATE_TIME = "date-time"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    CHOICES = "choices"
    FILE = "file"
    CONST = "const"
    OBJECT = "object"
    LIST = "list"
    VARIANTS = "variants"
    JSON = "json"


TEXTS = frozenset(
    {
        Kind.TEXT,
        Kind.AREA,
        Kind.PASSWORD,
        Kind.EMAIL,
        Kind.URI,
        Kind.DATE,
        Kind.TIME,
        Kind.DATE_TIME,
        Kind.FILE,
    }
)
"""The kinds whose value is a text."""

FREE_TEXTS = frozenset({Kind.TEXT, Kind.AREA, Kind.PASSWORD})
"""Those that may be an empty text, and mean it."""

NUMBERS = frozenset({Kind.NUMBER, Kind.INTEGER})


class Choice(Struct, frozen=True):
    value: Json
    label: str


class Limits(Struct, frozen=True):
    """What a hint can say beforehand; the validator decides."""

    least: float | None = None
    most: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    min_rows: int = 0
    max_rows: int | None = None


class Field(Struct, frozen=True):
    """One field, with those within it.

    `default` is what stands there before anybody has typed. `kept` says that a default takes the
    place of what is left out, so that leaving it blank has to be said. `off` is the value of a box
    that is not ticked. `value` is a constant's. Of an object `children` are its properties; one
    with `variants` has besides those of the variant that is chosen. A list's rows are all `items`.
    `encoding` is a file's: `base64` or `data-url`.
    """

    kind: Kind
    key: str = ""
    title: str = ""
    description: str = ""
    required: bool = False
    nullable: bool = False
    kept: bool = False
    default: Json | UnsetType = UNSET
    value: Json = None
    off: Json | UnsetType = False
    choices: tuple[Choice, ...] = ()
    limits: Limits = Limits()
    placeholder: str = ""
    encoding: str = ""
    accept: str = ""
    children: tuple["Field", ...] = ()
    variants: tuple["Field", ...] = ()
    items: "Field | None" = None

    @property
    def shown(self) -> str:
        """Its name for people."""
        return self.title or self.key
