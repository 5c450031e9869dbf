"""What a hostile client sends: texts that are none, numbers without end, bodies of anything."""

import json

TEXTS = (
    b"\x00",
    b"a\x00b",
    b"\xff\xfe",
    b"%",
    b"%2F..%2F",
    b"..",
    b"a/../b",
    b"//",
    "\N{MATHEMATICAL DOUBLE-STRUCK DIGIT ONE}".encode(),
    "\u202e\n\r\t".encode(),
    "\ud800".encode("utf-8", "surrogatepass"),
    b"-1",
    b"9" * 30,
    b"1e400",
    b"x" * 5000,
    b'{"a": ' * 3000,
    b"[" * 3000,
)
"""Of an address; not all are UTF-8, and one digit is no ASCII."""

DEEP = "[" * 50_000
VALUES = (
    r'"\u0000"',
    r'"\ud800"',
    '""',
    f'"{"x" * 100_000}"',
    "9" * 400,
    "-1",
    "1e308",
    "1e999",
    "NaN",
    "true",
    "null",
    "[]",
    "{}",
    r'{"\ud800": 1}',
    r'{"\u0000": "\u0000"}',
    "[" * 150 + "]" * 150,
    "[" * 400 + "]" * 400,
    "[" * 900 + "]" * 900,
    DEEP,
)
"""In the place of a value of a body, as they are written."""

BODIES = (
    b"",
    b"null",
    b"[]",
    b'""',
    b"1",
    b"{",
    b"\xff\xfe",
    b"\x00",
    b"{}",
    b"NaN",
    DEEP.encode(),
)

_MARK = "«here»"


def spoiled(body, every):
    """The body with each of its values in turn replaced by every so many of `VALUES`; and all of
    those come up.
    """
    for number, at in enumerate(_places(body)):
        for written in VALUES[number % every :: every]:
            yield json.dumps(_marked(body, at)).replace(json.dumps(_MARK), written).encode()


def _places(value, at=()):
    """The way to the body itself, and to each value in it."""
    yield at
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _places(value[key], (*at, key))


def _marked(value, at):
    if not at:
        return _MARK
    copied = value.copy()
    copied[at[0]] = _marked(value[at[0]], at[1:])
    return copied
