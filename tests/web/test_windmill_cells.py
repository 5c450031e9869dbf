"""The real client in a cell of a run, with nothing set but what its kernel has from us."""

import json
from textwrap import dedent

CELL = """
import wmill
written = wmill.write_s3_file("s3:///made/in a cell.txt", b"hello", content_type="text/plain")
people = wmill.datatable()
people.query("CREATE TABLE people (name TEXT)").execute()
people.query("INSERT INTO people VALUES ($1)", "Ada").execute()
lake = wmill.ducklake()
lake.upsert_partition("days", "SELECT 1 AS n", partition="mon").execute()
[
    written["s3"],
    wmill.load_s3_file(written).decode(),
    people.query("SELECT * FROM people").fetch(),
    lake.read("days").fetch(),
    wmill.get_presigned_s3_public_url(written),
]
"""


async def test_a_cell_reads_and_writes(start, reached, call, anyone):
    begun = await start((dedent(CELL), [], {"id": "asks"}))
    run = await reached(begun["id"], "succeeded", "failed")
    assert run.error is None
    shown = (await call("GET", f"api/runs/{run.id}")).json
    key, text, people, days, url = shown["result"]
    assert (key, text) == ("made/in a cell.txt", "hello")
    assert people == [{"name": "Ada"}]
    assert days == [{"n": 1, "_wm_partition": "mon"}]
    public = await anyone("GET", url.replace(" ", "%20"))
    assert (public.status, json.dumps(public.text)) == (200, '"hello"')
