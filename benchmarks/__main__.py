"""`python -m benchmarks`: everything, or some themes, and one table at the end."""

import argparse
import asyncio
import inspect
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import (
    cells,
    checkpoints,
    jobs,
    lab,
    memory,
    page,
    replay,
    servers,
    votes,
    waiting,
    whole,
)
from benchmarks.machine import facts
from benchmarks.outside import environment
from benchmarks.table import Row, markdown

THEMES: Mapping[str, Callable[..., Any]] = {
    "cells": cells.measure,
    "whole": whole.measure,
    "latency": votes.measure_latency,
    "rate": votes.measure_rate,
    "forms": votes.measure_forms,
    "waiting": waiting.measure,
    "memory": memory.measure,
    "replay": replay.measure,
    "page": page.measure,
    "lab": lab.measure,
    "checkpoints": checkpoints.measure,
    "jobs": jobs.measure,
    "servers": servers.measure,
}


def main() -> int:
    """0 when every target is held, 1 when one is not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("themes", nargs="*", metavar="THEME", help=f"of: {', '.join(THEMES)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller stores")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    asked = parser.parse_args()
    if unknown := set(asked.themes) - set(THEMES):
        parser.error(f"no theme {', '.join(sorted(unknown))}; there are: {', '.join(THEMES)}")
    about = facts()
    print("\n".join(about), flush=True)
    rows = _measured(asked.themes or list(THEMES), quick=asked.quick)
    print(f"\n{markdown(rows)}")
    if asked.json:
        shown = {"machine": about, "rows": [row.as_json() for row in rows]}
        asked.json.write_text(json.dumps(shown, indent=1, ensure_ascii=False) + "\n")
    return int(any(row.held is False for row in rows))


def _measured(themes: list[str], *, quick: bool) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="benchmarks-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        environment(folder)
        for theme in themes:
            start = time.perf_counter()
            (folder / theme).mkdir()
            found = THEMES[theme](folder / theme, quick=quick)
            rows += asyncio.run(found) if inspect.iscoroutine(found) else found
            print(f"{theme}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
