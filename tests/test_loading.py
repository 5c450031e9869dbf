"""What a server doesn't load before it is needed: its memory is counted while runs wait."""

import json
import subprocess
import sys

import pytest

SERVER = ("jupyter_flows.extension", "jupyter_flows.kernels.sessions")
PAGES = ("nh3", "markdown_it", "babel", "xml.sax", "jupyter_flows.web.shown.outputs")
WORK = ("cryptography", "alembic", "psutil", "blake3", "papermill", "jupytext", "fsspec", "httpx")
DIALECTS = "sqlalchemy.dialects"


@pytest.mark.parametrize(
    ("loaded", "unneeded"),
    [
        (SERVER, (*PAGES, *WORK, "psycopg", "procrastinate", f"{DIALECTS}.postgresql")),
        ((*SERVER, "jupyter_flows.composition.shared"), (*PAGES, *WORK, f"{DIALECTS}.sqlite")),
    ],
    ids=["SQLite", "PostgreSQL"],
)
def test_a_server_that_shows_no_page_and_drives_no_run_loads_little(loaded, unneeded):
    code = (
        f"import sys, json; import {', '.join(loaded)};"
        f"print(json.dumps([name for name in {unneeded!r} if name in sys.modules]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == []
