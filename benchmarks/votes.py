"""Votes: how soon the next cell starts, and how many a second are taken."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.contenders import Bare
from benchmarks.notebooks import NOW, gated
from benchmarks.numbers import median, ms, percentile
from benchmarks.outside import Client, OutsideServer
from benchmarks.seed import seed
from benchmarks.table import Row
from benchmarks.whole import WARM

GATES = 10
VOTES = 200
CLIENTS = 4
OVER_BARE = 0.015
OVER_FORMLESS = 0.003

FORM = {
    "properties": {
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
        "day": {"type": "string", "format": "date"},
        "mail": {"type": "string", "format": "email"},
        "page": {"type": "string", "format": "uri"},
        "team": {"enum": ["finance", "risk", "board"]},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}},
        "way": {
            "oneOf": [
                {"properties": {"kind": {"const": "card"}, "number": {"type": "string"}}},
                {"properties": {"kind": {"const": "bank"}, "iban": {"type": "string"}}},
            ]
        },
    },
    "required": ["limit", "day"],
}
PAYLOAD = {
    "limit": 30,
    "day": "2026-11-25",
    "mail": "bob@example.org",
    "page": "https://example.org/a?b=c",
    "team": "risk",
    "tags": ["a", "b", "c"],
    "way": {"kind": "bank", "iban": "DE1"},
}


# ---------------------------------------------------------------- to the next cell


def measure_latency(folder: Path, *, quick: bool) -> list[Row]:
    runs = 2 if quick else 8
    delays: list[float] = []
    trips: list[float] = []
    with asyncio.Runner() as runner, OutsideServer(folder, warm_kernels=WARM) as server:
        bare = Bare()
        runner.run(bare.start())
        for _ in range(runs):
            server.wait_for_warm_kernel()
            with closing(server.client()) as client:
                asked = {"notebook": gated(GATES)}
                run = client.ask("POST", "/jupyter-flows/api/runs", asked)["id"]
                for number in range(GATES):
                    delays.append(_vote(client, run, number))
                    trips.append(runner.run(_trip(bare)))
        runner.run(bare.stop())
    over = percentile(delays, 50) - percentile(trips, 50)
    return [
        Row(
            what=f"vote to the next cell's start ({len(delays)} votes)",
            ours=f"{ms(median(delays))} (p99 {ms(percentile(delays, 99))})",
            peers={"bare": f"{ms(median(trips))} (p99 {ms(percentile(trips, 99))})"},
            ratio=f"+{ms(over)}",
            value=over,
            target=OVER_BARE,
            says="p50 at most 15 ms above a bare trip",
        )
    ]


async def _trip(bare: Bare) -> float:
    start = time.perf_counter()
    await bare.trip(NOW)
    return time.perf_counter() - start


def _vote(client: Client, run: str, number: int) -> float:
    """Seconds from the sending of the vote to the start of the cell behind the gate."""
    link = open_gate(client, run, number)
    asked = time.time()  # noqa: TID251 (the cell tells the same clock)
    client.ask("POST", link)
    return result(client, run, f"c{2 + 2 * number}") - asked


def open_gate(client: Client, run: str, number: int) -> str:
    while True:
        shown = client.ask("GET", f"/jupyter-flows/api/runs/{run}")
        if len(shown["gates"]) > number and shown["gates"][number]["links"]:
            time.sleep(0.05)
            url = urlsplit(shown["gates"][number]["links"]["resume"])
            return f"{url.path}?{url.query}"
        time.sleep(0.02)


def result(client: Client, run: str, step: str) -> float:
    while True:
        steps = client.ask("GET", f"/jupyter-flows/api/runs/{run}")["steps"]
        for one in steps:
            if one["id"] == step and one["status"] == "succeeded":
                return float(one["result"])
        time.sleep(0.02)


# ---------------------------------------------------------------- a second


def measure_rate(folder: Path, *, quick: bool) -> list[Row]:
    sizes = (1, 1_000) if quick else (1, 1_000, 10_000)
    rates = {size: _rate(folder / str(size), size) for size in sizes}
    return [
        Row(
            what=f"votes a second, {size:,} suspended run{'s' * (size > 1)} besides the voted ones",
            ours=f"{rate:.0f}",
            ratio=f"{rate / rates[1]:.2f} of those with 1",
        )
        for size, rate in rates.items()
    ]


def _rate(folder: Path, size: int) -> float:
    tokens = seed(folder / "flows", size + VOTES)[-VOTES:]
    with OutsideServer(folder) as server, ThreadPoolExecutor(CLIENTS) as pool:
        shares = [tokens[number::CLIENTS] for number in range(CLIENTS)]
        start = time.perf_counter()
        list(pool.map(lambda share: _cast(server, share), shares))
        return len(tokens) / (time.perf_counter() - start)


def _cast(server: OutsideServer, tokens: Sequence[str]) -> None:
    with closing(server.client()) as client:
        for token in tokens:
            client.ask("POST", f"/jupyter-flows/resume?flow_token={token}")


# ---------------------------------------------------------------- with a form


def measure_forms(folder: Path, *, quick: bool) -> list[Row]:
    """The same payload on gates with a form and on gates without, in turn, in a changing order."""
    count = 60 if quick else VOTES
    formless = seed(folder / "flows", count)
    formed = seed(folder / "flows", count, first=count, form=FORM)
    took: dict[bool, list[float]] = {True: [], False: []}
    with OutsideServer(folder) as server, closing(server.client()) as client:
        for number, pair in enumerate(zip(formless, formed, strict=True)):
            for has_form, token in sorted(enumerate(pair), reverse=bool(number % 2)):
                start = time.perf_counter()
                client.ask("POST", f"/jupyter-flows/resume?flow_token={token}", PAYLOAD)
                took[bool(has_form)].append(time.perf_counter() - start)
    over = median(took[True]) - median(took[False])
    return [
        Row(
            what=f"a vote that a form checks ({count} votes)",
            ours=f"{ms(median(took[True]))} (first {ms(took[True][0])})",
            peers={"no form": ms(median(took[False]))},
            ratio=f"+{ms(over)}",
            value=over,
            target=OVER_FORMLESS,
            says="at most 3 ms more",
        )
    ]
