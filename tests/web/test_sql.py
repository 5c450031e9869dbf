"""Data tables and ducklakes, by the real client and by hand (api.md, section 6)."""

import asyncio
import subprocess
import sys

import pytest

from jupyter_flows.core.sql import Database, Kind
from jupyter_flows.sql import databases, files

DOOR = "api/w/jupyter/jobs/run_inline/preview"


@pytest.fixture
def table(call):
    """Ask a data table by hand."""

    async def table(content, name="main", **args):
        asked = {"database": f"datatable://{name}", **args}
        return await call(
            "POST", DOOR, {"content": content, "language": "postgresql", "args": asked}
        )

    return table


async def test_the_client_asks_a_data_table(windmill):
    main = windmill.client.datatable()

    def walk():
        main.query("CREATE TABLE people (name TEXT, age BIGINT)").execute()
        main.query("INSERT INTO people VALUES ($1, $2), ($3, $4)", "Ada", 36, "Bob", None).execute()
        return (
            main.query("SELECT * FROM people ORDER BY name").fetch(),
            main.query("SELECT * FROM people WHERE age = $1", 36).fetch_one(),
            main.query(
                "SELECT count(*) FROM public.people WHERE name <> $1", "Ada"
            ).fetch_one_scalar(),
            main.query("SELECT age FROM people WHERE false").fetch_one(),
            main.query("SELECT age FROM people WHERE false").fetch_one_scalar(),
            main.query("SELECT name FROM people ORDER BY 1").fetch(
                "last_statement_all_rows_scalar"
            ),
            windmill.client.datatable("other").query("SELECT 1 AS one").fetch(),
        )

    assert await asyncio.to_thread(walk) == (
        [{"name": "Ada", "age": 36}, {"name": "Bob", "age": None}],
        {"name": "Ada", "age": 36},
        1,
        None,
        None,
        ["Ada", "Bob"],
        [{"one": 1}],
    )


async def test_every_kind_of_value_is_bound(windmill):
    given = ["it's; DROP TABLE x --", 2**40, 1.5, True, None, {"a": [1, "ä"]}, [1, 2]]
    sql = "SELECT $1 a, $2 b, $3 c, $4 d, $5 e, $6 f, $7 g, typeof($2) h"
    row = await asyncio.to_thread(windmill.client.datatable().query(sql, *given).fetch_one)
    assert list(row.values()) == [*given, "BIGINT"]


async def test_a_schema_is_looked_into_first(windmill):
    def walk():
        windmill.client.datatable("main").query("CREATE SCHEMA sales").execute()
        sales = windmill.client.datatable("main:sales")
        sales.query("CREATE TABLE t AS SELECT 1 AS n").execute()
        return (
            sales.query("SELECT * FROM t").fetch(),
            windmill.client.datatable("main").query("SELECT n FROM sales.t").fetch_one_scalar(),
        )

    assert await asyncio.to_thread(walk) == ([{"n": 1}], 1)


async def test_the_client_asks_a_ducklake(windmill, data_dir):
    lake = windmill.client.ducklake("events")

    def walk():
        lake.query("CREATE TABLE e AS SELECT 1 AS n").execute()
        lake.query("INSERT INTO e VALUES ($n)", n=2).execute()
        lake.upsert_partition("days", "SELECT n FROM dl.e", partition="mon").execute()
        lake.upsert_partition("days", "SELECT n + 1 AS n FROM dl.e", partition="mon").execute()
        lake.append_partition("days", "SELECT 9 AS n", partition="tue").execute()
        lake.upsert_partition("whole", "SELECT n, n AS v FROM dl.e", unique_key="n").execute()
        lake.upsert_partition("whole", "SELECT n, 7 AS v FROM dl.e", unique_key="n").execute()
        return (
            lake.query("SELECT n FROM e WHERE n > $least ORDER BY n", least=0).fetch(),
            lake.read("days", partition="mon").fetch("last_statement_all_rows_scalar"),
            lake.query("SELECT count(*) FROM days").fetch_one_scalar(),
            lake.query("SELECT v FROM whole").fetch("last_statement_all_rows_scalar"),
        )

    assert await asyncio.to_thread(walk) == ([{"n": 1}, {"n": 2}], [2, 3], 3, [7, 7])
    assert (data_dir / "sql/ducklakes/events.duckdb").exists()


async def test_both_doors_are_one(call):
    asked = {
        "content": "ATTACH 'ducklake' AS dl;\nSELECT $a AS a",
        "language": "duckdb",
        "args": {"a": "x"},
    }
    for how in ("run_inline", "run_wait_result"):
        answer = await call("POST", f"api/w/jupyter/jobs/{how}/preview", asked)
        assert (answer.status, answer.json) == (200, [{"a": "x"}])


async def test_the_results_of_each_statement(table):
    two = "SELECT 1 AS a, 2 AS b; SELECT 3 AS c UNION ALL SELECT 4 ORDER BY 1"
    for said, found in (
        ("all_statements_all_rows", [[{"a": 1, "b": 2}], [{"c": 3}, {"c": 4}]]),
        ("all_statements_first_row", [{"a": 1, "b": 2}, {"c": 3}]),
        ("all_statements_all_rows_scalar", [[1], [3, 4]]),
        ("all_statements_first_row_scalar", [1, 3]),
        ("last_statement_all_rows", [{"c": 3}, {"c": 4}]),
    ):
        assert (await table(f"-- result_collection={said}\n{two}")).json == found


async def test_rows_that_are_changed_are_no_rows(table):
    made = await table("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)")
    assert made.json == []
    assert (await table("INSERT INTO t VALUES (3) RETURNING a")).json == [{"a": 3}]
    assert (await table("UPDATE t SET a = 0 WHERE a = 1")).json == []
    assert (await table('SELECT count(*) AS "Count" FROM t')).json == [{"Count": 3}]


async def test_values_of_all_types_are_json(table):
    row = (
        await table(
            """-- result_collection=last_statement_first_row
            SELECT DATE '2020-01-02' AS d, TIMESTAMP '2020-01-02 03:04:05' AS t,
            TIMESTAMPTZ '2020-01-02 03:04:05+00' IS NOT NULL AS z, TIME '03:04:05' AS c,
            1.5::DECIMAL(4, 2) AS n, 12345678901234567890.125::DECIMAL(38, 3) AS big,
            'NaN'::DOUBLE AS nan, '-inf'::DOUBLE AS inf, 'ab'::BLOB AS b, [1, NULL] AS l,
            {'x': DATE '2020-01-02'} AS s, MAP {1: 'a'} AS m, '{"a": [1]}'::JSON AS j,
            INTERVAL 1 DAY AS i, sum(1) AS sum,
            '7b9bd3c8-7d7c-4b63-8b0e-8e2d8f8d6e0a'::UUID AS u"""
        )
    ).json
    assert row == {
        "d": "2020-01-02",
        "t": "2020-01-02T03:04:05",
        "z": True,
        "c": "03:04:05",
        "n": 1.5,
        "big": "12345678901234567890.125",
        "nan": None,
        "inf": None,
        "b": "YWI=",
        "l": [1, None],
        "s": {"x": "2020-01-02"},
        "m": {"1": "a"},
        "j": {"a": [1]},
        "i": "1 day, 0:00:00",
        "sum": 1,
        "u": "7b9bd3c8-7d7c-4b63-8b0e-8e2d8f8d6e0a",
    }
    moment = await table("SELECT TIMESTAMPTZ '2020-01-02 03:04:05+00' AS z")
    assert moment.json[0]["z"].startswith("2020-01-0")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM missing", "missing does not exist"),
        ("SELECT $1", "No value is given for $1"),
        ("-- $1 a (NOSUCHTYPE)\nSELECT $1", "NOSUCHTYPE"),
        ("-- $1 a (BIGINT)\nSELECT $1", "Could not convert"),
        ("", "no statement"),
        ("-- nothing", "no statement"),
        ("-- result_collection=some\nSELECT 1", "'some' is unknown; allowed: last_"),
        ("SELECT range FROM range(100001)", "100000 rows at most"),
    ],
)
async def test_what_the_database_refuses_is_said(table, content, says):
    refused = await table(content, a="x")
    assert (refused.status, refused.is_problem) == (400, True)
    assert says in refused.json["detail"]


@pytest.mark.parametrize(
    "content",
    [
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('/*')",
        "COPY (SELECT 1) TO '{folder}/x.csv'",
        "EXPORT DATABASE '{folder}/x'",
        "ATTACH '{folder}/x.duckdb' AS x",
        "DETACH dl",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "UPDATE EXTENSIONS",
        "CALL enable_logging()",
        "PRAGMA profile_output = '{folder}/x.json'",
        "SELECT * FROM sniff_csv('{secret}')",
        "CREATE VIEW v AS SELECT * FROM read_csv('{secret}')",
        "PRAGMA enable_external_access = true",
        "SELECT * FROM secret",
        "CREATE TABLE t AS SELECT 1 AS a; PREPARE p AS COPY t TO '{folder}/x.csv'; EXECUTE p",
    ],
)
async def test_nothing_but_its_own_file_is_in_reach(table, tmp_path, content):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    refused = await table(content.format(secret=secret, folder=tmp_path))
    assert (refused.status, refused.is_problem) == (400, True), refused.text
    assert not list(tmp_path.glob("x*"))


@pytest.mark.parametrize("name", ["", "..", "a/b", "a'b", "a.b", "x" * 65, "ä"])
async def test_names_of_data_tables_are_plain(table, call, name):
    refused = await table("SELECT 1", name)
    assert (refused.status, refused.is_problem) == (400, True)
    content = f"ATTACH 'ducklake://{name}' AS dl; SELECT 1"
    asked = {"content": content, "language": "duckdb"}
    assert (await call("POST", DOOR, asked)).status == (200 if not name else 400)


async def test_what_is_not_offered_says_so(table, call):
    with_role = await table("-- role reader\nSELECT 1")
    assert (with_role.status, "no roles" in with_role.json["detail"]) == (501, True)
    asked = {"content": "SELECT 1", "language": "postgresql", "args": {"database": "$res:f/pg"}}
    own = await call("POST", DOOR, asked)
    assert (own.status, "datatable://NAME" in own.json["detail"]) == (501, True)
    asked = {"content": "echo", "language": "bash"}
    other = await call("POST", DOOR, asked)
    assert other.status == 501
    assert other.json["detail"].endswith("offered: duckdb, postgresql, python3.")
    asked = {"content": "SELECT 1", "language": "duckdb"}
    assert (await call("POST", DOOR, asked)).status == 400


async def test_without_the_package_a_sentence_says_what_to_install(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    refused = await table("SELECT 1")
    assert refused.status == 501
    assert "pip install 'jupyter-flows[duckdb]'" in refused.json["detail"]


async def test_many_at_once_lose_nothing(table):
    await table("CREATE TABLE t (n BIGINT)")
    many = [
        table("-- $1 n (BIGINT)\nINSERT INTO t VALUES ($1); SELECT count(*) FROM t", n=number)
        for number in range(30)
    ]
    assert {answer.status for answer in await asyncio.gather(*many)} == {200}
    assert (await table("SELECT count(DISTINCT n) AS n FROM t")).json == [{"n": 30}]


async def test_a_transaction_that_fails_leaves_nothing(table):
    await table("CREATE TABLE t (n BIGINT)")
    refused = await table("BEGIN; INSERT INTO t VALUES (1); SELECT * FROM missing; COMMIT")
    assert refused.status == 400
    assert (await table("SELECT * FROM t")).json == []


async def test_another_process_may_have_the_file(table, data_dir):
    await table("CREATE TABLE t AS SELECT 1 AS n")
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True);"
        "sys.stdin.read()"
    )
    path = str(data_dir / "sql/datatables/main.duckdb")
    other = subprocess.Popen(
        [sys.executable, "-c", code, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert await asyncio.to_thread(other.stdout.readline) == b"open\n", "it was let go"
        refused = await table("SELECT * FROM t")
        assert (refused.status, refused.is_problem) == (503, True)
        assert "another process" in refused.json["detail"]
    finally:
        other.communicate(b"")
    assert (await table("SELECT * FROM t")).json == [{"n": 1}]


class TestALimit:
    @pytest.fixture
    def flows_config(self):
        return {"sql_timeout": "1s", "sql_memory_bytes": 64 << 20}

    async def test_a_script_has_its_time(self, table):
        await table("CREATE TABLE t (n BIGINT)")
        long = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"
        refused = await table(f"BEGIN; INSERT INTO t VALUES (1); {long}; COMMIT")
        assert (refused.status, refused.is_problem) == (400, True)
        assert "FlowsApp.sql_timeout" in refused.json["detail"]
        assert (await table("SELECT * FROM t")).json == []

    async def test_a_script_has_its_memory(self, table):
        refused = await table("SELECT list(range::VARCHAR || repeat('x', 100)) FROM range(3000000)")
        assert refused.status == 400
        assert "emory" in refused.json["detail"]


def test_a_file_is_opened_once(tmp_path):
    opened = files.Files(tmp_path, 1 << 26)
    main = Database(Kind.DATATABLE, "main")
    with opened.connected(main) as one, opened.connected(main) as other:
        one.execute("CREATE TABLE t AS SELECT 1 AS n")
        assert other.execute("SELECT n FROM t").fetchall() == [(1,)]
        assert list(opened._open) == [main]
    assert opened._open == {}
    assert databases.AT_ONCE > 1
