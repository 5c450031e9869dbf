"""Texts as columns hold them, and the order that all databases put them in."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles


def _escaped(text: str) -> str:
    if "\0" not in text and "\1" not in text:
        return text
    return text.replace("\1", "\1\2").replace("\0", "\1\1")


def _unescaped(text: str) -> str:
    return text.replace("\1\1", "\0").replace("\1\2", "\1") if "\1" in text else text


class _Whole:
    """PostgreSQL's texts hold no NUL. There it stands as two characters, and so does the one that
    marks it: no two texts become one, and they keep their order and their beginnings.
    """

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return _escaped(value) if value is not None and _escapes(dialect) else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return _unescaped(value) if value is not None and _escapes(dialect) else value


def _escapes(dialect: sa.Dialect) -> bool:
    return dialect.name == "postgresql"


class WholeText(_Whole, sa.TypeDecorator[str]):
    """Any text."""

    impl = sa.Text
    cache_ok = True


class WholeName(_Whole, sa.TypeDecorator[str]):
    """A text of a few characters."""

    impl = sa.String
    cache_ok = True


def whole_text(element: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """An expression of such texts, to be compared with one."""
    return sa.type_coerce(element, WholeText)


class bytewise(sa.ColumnElement[str]):  # noqa: N801 (a word of SQL)
    """A column of texts, for an order by their characters' numbers: as Python's and SQLite's, and
    not by the language of the database.
    """

    inherit_cache = True
    _traverse_internals = [("column", sa.sql.visitors.InternalTraversal.dp_clauseelement)]  # noqa: RUF012

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        self.column = column
        self.type = column.type


@compiles(bytewise)
def _plain(element: bytewise, compiler: Any, **more: Any) -> str:
    return str(compiler.process(element.column, **more))


@compiles(bytewise, "postgresql")
def _collated(element: bytewise, compiler: Any, **more: Any) -> str:
    return f'({compiler.process(element.column, **more)} COLLATE "C")'
