"""Tables in a description, in each of their shapes."""

import pytest

from jupyter_flows.core.descriptions import Table, Value, read_description
from jupyter_flows.core.descriptions.tables import MAX_CELL, MAX_COLUMNS, MAX_ROWS

AB = ("a", "b")


def table(description):
    (part,) = read_description(description)
    assert isinstance(part, Table), part
    return part


@pytest.mark.parametrize(
    ("kind", "value", "header", "rows"),
    [
        ("table-row", [["a", "b"], [1, 2]], AB, [("1", "2")]),
        ("table-row", [[1, 2], [3, 4]], (), [("1", "2"), ("3", "4")]),
        ("table-row", [["a", "b"]], (), [("a", "b")]),
        ("table-row", [["a", 1], ["b", 2]], (), [("a", "1"), ("b", "2")]),
        ("table-row-object", [{"a": 1, "b": 2}], AB, [("1", "2")]),
        ("table-row-object", [{"a": 1}, {"b": 2}], AB, [("1", ""), ("", "2")]),
        ("table-row-object", [["b", "a"], {"a": 1, "b": 2, "c": 3}], ("b", "a"), [("2", "1")]),
        ("table-row-object", [["b"], {"a": 1}], ("b",), [("",)]),
        ("table-col", {"a": [1, 3], "b": [2, 4]}, AB, [("1", "2"), ("3", "4")]),
    ],
)
def test_a_table_is_read_with_its_name_and_without(kind, value, header, rows):
    for description in ({kind: value}, value):
        read = table(description)
        assert read.header == header
        assert read.rows == tuple(rows)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("<b>", "<b>"),
        (1, "1"),
        (0.1, "0.1"),
        (1e100, "1e+100"),
        (True, "true"),
        ([1, {"ä": None}], '[1, {"ä": null}]'),
        ("x" * 2000, "x" * (MAX_CELL - 1) + "…"),
    ],
)
def test_a_value_is_said_as_in_json_but_texts_are_plain(value, text):
    assert table([{"a": value}]).rows == ((text,),)


def test_a_column_of_nothing_but_numbers_is_numeric():
    read = table([[1, True, "1", None, 2.5], [None, 1, 2, None, 1]])
    assert read.numeric == (True, False, False, False, True)


@pytest.mark.parametrize("empty", [[], {}])
@pytest.mark.parametrize("kind", ["table-row", "table-row-object", "table-col"])
def test_an_empty_table_is_a_table(kind, empty):
    assert table({kind: empty}).rows == ()


def test_columns_without_rows_keep_their_names():
    assert table({"table-col": {"a": [], "b": []}}).header == AB


@pytest.mark.parametrize(
    "value",
    [
        [[1], [1, 2]],
        [[], []],
        [{}, {}],
        {"a": [1], "b": [1, 2]},
        {"a": [], "b": []},
        {"a": [1], "b": 2},
        [{"a": 1}, 2],
        [["a"], {"a": 1}, ["b"]],
    ],
)
def test_a_value_that_is_nearly_a_table_is_json(value):
    assert read_description(value) == (Value(value),)


def test_rows_and_columns_beyond_the_bounds_are_counted():
    wide = {f"c{n}": n for n in range(MAX_COLUMNS + 3)}
    read = table([wide] * (MAX_ROWS + 7))
    assert (len(read.header), len(read.rows)) == (MAX_COLUMNS, MAX_ROWS)
    assert {len(row) for row in read.rows} == {MAX_COLUMNS}
    assert (read.more_rows, read.more_columns) == (7, 3)
