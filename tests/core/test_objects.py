"""Keys, parts and signatures of objects, for whatever is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core import s3, sql
from jupyter_flows.core.errors import BadInput, LinkExpired, NotOffered, UnknownLink
from jupyter_flows.core.links import Keyring
from jupyter_flows.core.objects import (
    Said,
    byte_range,
    check_presigned,
    checked_key,
    expiry,
    presigned,
    shown_as,
)

KEYS = Keyring((b"k" * 32,))
OTHERS = Keyring((b"o" * 32,))


@given(st.text(max_size=40) | st.lists(st.sampled_from(["..", ".", "", "a", "~"])).map("/".join))
def test_a_key_that_is_taken_stays_below_its_storage(text):
    try:
        key = checked_key(text)
    except BadInput:
        return
    assert key == text.removeprefix("/")
    assert not {"", ".", ".."} & set(key.split("/"))
    assert key.isprintable() or all(ord(c) > 31 for c in key)


@given(st.text(st.characters(codec="ascii"), max_size=20), st.integers(0, 100))
def test_a_range_is_within_its_object(header, size):
    for asked in (header, f"bytes={header}"):
        try:
            part = byte_range(asked, size)
        except ValueError:
            continue
        assert part is None or 0 <= part[0] < part[1] <= size


def test_an_expiry_is_brought_between_what_is_allowed():
    assert [expiry(x) for x in (None, -5, 60, 100, 10**12)] == [43_200, 60, 60, 100, 604_800]


def signed(storage="s", key="k", expires=100, keyring=KEYS):
    return presigned(keyring, storage, key, expires).rpartition("flow_token=")[2]


def test_a_signature_is_for_one_object_and_one_time():
    check_presigned(KEYS, "s", "k", expires="100", token=signed(), now=99.9)
    check_presigned(KEYS, None, "k", expires="100", token=signed("_default_"), now=0)
    with pytest.raises(LinkExpired):
        check_presigned(KEYS, "s", "k", expires="100", token=signed(), now=100)
    for token in (
        signed("t"),
        signed(key="kk"),
        signed(expires=101),
        signed(keyring=OTHERS),
        signed("sk", ""),
        KEYS.sign("form", b""),
        "",
    ):
        with pytest.raises(UnknownLink):
            check_presigned(KEYS, "s", "k", expires="100", token=token, now=0)


@pytest.mark.parametrize(
    ("kind", "stored", "shown"),
    [
        (None, None, "attachment"),
        ("image/png", None, "attachment"),
        ("image/png", "inline", "inline"),
        ("text/plain; charset=utf-8", "INLINE; filename=a", "INLINE; filename=a"),
        ("text/html", "inline; filename=a", "attachment; filename=a"),
        ("TEXT/HTML", "Inline", "attachment"),
        ("image/svg+xml", "inline", "attachment"),
        (None, "inline", "attachment"),
    ],
)
def test_only_what_does_nothing_is_shown_in_place(kind, stored, shown):
    assert shown_as(Said(kind, stored)) == shown


def test_an_s3_storage_in_the_words_of_others():
    said = s3.of_resource(
        {
            "bucket": "bucket",
            "region": "",
            "endPoint": "https://host.example.org:9000/",
            "useSSL": False,
            "accessKey": "a",
            "secretKey": "b",
            "pathStyle": False,
            "token": "t",
        }
    )
    assert (said.address, said.region) == ("https://host.example.org:9000", "us-east-1")
    assert "SET s3_url_style='vhost';\n" in said.duckdb()
    assert "SET s3_session_token='t';\n" in said.duckdb()
    assert "s3_use_ssl" not in said.duckdb()
    assert said.polars()["storage_options"]["aws_session_token"] == "t"
    assert said.fsspec()["config_kwargs"] == {"s3": {"addressing_style": "virtual"}}
    amazon = s3.of_resource({"bucket": "bucket", "region": "eu-north-1"})
    assert amazon.address == "https://s3.eu-north-1.amazonaws.com"
    assert amazon.fsspec()["anon"]
    assert amazon.info().end_point == "s3.eu-north-1.amazonaws.com"
    for value in (None, [], {}, {"bucket": "b"}, {"bucket": 1}, "x"):
        with pytest.raises(BadInput):
            s3.of_resource(value)


def test_what_a_script_declares():
    content = (
        "-- result_collection=last_statement_first_row\n"
        "-- $1 arg1 (BIGINT)\n--   $2 arg2 ( DECIMAL(4, 2) )\n-- any other word\n\n"
        "SELECT $1 -- $3 arg3 (TEXT)\n"
    )
    script = sql.postgresql(content, {"database": "datatable://a-b_1", "arg1": 5})
    assert script.database == (sql.Kind.DATATABLE, "a-b_1")
    assert script.collection is sql.Collection.LAST_ROW
    assert {name: said.type.strip() for name, said in script.declared.items()} == {
        "1": "BIGINT",
        "2": "DECIMAL(4, 2)",
    }
    assert (script.values["1"], script.values["2"]) == (5, None)
    lake = sql.duckdb("-- $n (TEXT)\nATTACH 'ducklake://x' AS dl;USE dl;\nSELECT $n", {"n": "v"})
    assert lake.database == (sql.Kind.DUCKLAKE, "x")
    assert lake.text == "-- $n (TEXT)\n\nSELECT $n"
    assert lake.values["n"] == "v"


@pytest.mark.parametrize(
    "content",
    [
        "SELECT 1",
        "ATTACH 'file.db' AS dl; SELECT 1",
        "ATTACH 'ducklake://x' AS other; SELECT 1",
        "ATTACH 'ducklake://x' AS dl; USE other; SELECT 1",
        "ATTACH 'ducklake://../x' AS dl; SELECT 1",
        "",
    ],
)
def test_a_script_of_duckdb_begins_with_its_ducklake(content):
    with pytest.raises(BadInput):
        sql.duckdb(content, {})


@given(st.text(max_size=60))
def test_no_script_breaks_the_reader(content):
    for parse in (sql.duckdb, sql.postgresql):
        try:
            parse(content, {"database": "datatable://main"})
        except (BadInput, NotOffered):
            continue
