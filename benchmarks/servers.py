"""Several servers on one PostgreSQL, beside the embedded default: a step, a vote to the next cell,
what waiting runs cost, how soon a dead server's runs are taken over, and votes a second.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.contenders import Ours
from benchmarks.inside import serving
from benchmarks.notebooks import PASS, gated, notebook
from benchmarks.numbers import flat, median, ms, paired_ratio, percentile, spread, times
from benchmarks.outside import Client, OutsideServer
from benchmarks.seed import Told, prepared, two_votes
from benchmarks.table import Row
from benchmarks.votes import CLIENTS, VOTES, open_gate, result
from jupyter_flows.core import commands as c
from jupyter_flows.core.links import claims_of, write
from jupyter_flows.core.model import LinkId, Purpose
from jupyter_flows.store.engine import open_engine
from jupyter_flows.store.postgres.keys import KeyTable, LinkKeys
from jupyter_flows.store.postgres.servers import LEASE_SECONDS, SqlServers
from jupyter_flows.store.sql import SqlStore
from tests.postgres import Postgres

KEY = "the benchmarks' deployment key, of no use elsewhere"
MB = 2**20
GATES = 10
WARM = [{"kernel_name": "python3", "count": 1}]
TAKEOVER = LEASE_SECONDS + 5.0


def measure(folder: Path, *, quick: bool) -> list[Row]:
    postgres = Postgres()
    for name in ("steps/shared", "steps/embedded", "waiting"):
        (folder / name).mkdir(parents=True)
    try:
        return [
            *asyncio.run(_steps(folder / "steps", _fresh(postgres), quick=quick)),
            *_latency(folder / "latency", _fresh(postgres), quick=quick),
            *_waiting(folder / "waiting", _fresh(postgres), quick=quick),
            *_takeover(folder / "takeover", _fresh(postgres), quick=quick),
            *_rate(folder / "rate", postgres, quick=quick),
        ]
    finally:
        postgres.end()


def _fresh(postgres: Postgres) -> str:
    return str(postgres.url(postgres.create()))


def _shared(url: str, **more: Any) -> dict[str, Any]:
    return {"database_url": url, "deployment_key": KEY, **more}


# ---------------------------------------------------------------- a step


async def _steps(folder: Path, url: str, *, quick: bool) -> list[Row]:
    """The same cells in turn, in an order that changes; each house has a kernel ready."""
    asked, rounds = notebook([PASS] * 200), 3 if quick else 9
    found: dict[str, list[list[float]]] = {"shared": [], "embedded": []}
    async with (
        serving(folder / "shared", **_shared(url, warm_kernels=WARM)) as shared,
        serving(folder / "embedded", warm_kernels=WARM) as embedded,
    ):
        houses = {"shared": Ours(shared), "embedded": Ours(embedded)}
        for number in range(rounds):
            order = list(houses)
            random.Random(number).shuffle(order)
            for name in order:
                found[name].append((await houses[name](asked))[5:])
    ratio = paired_ratio(found["shared"], found["embedded"])
    return [
        Row(
            what="a step on PostgreSQL, 200 x pass",
            ours=spread(flat(found["shared"])),
            peers={"embedded": spread(flat(found["embedded"]))},
            ratio=times(ratio),
            value=ratio,
            target=1.3,
            says="at most 1.3 of the embedded one",
        )
    ]


# ---------------------------------------------------------------- a vote to the next cell


def _latency(folder: Path, url: str, *, quick: bool) -> list[Row]:
    """A run of each, one vote after the other; on PostgreSQL also by the other server, which has
    none of the runs.
    """
    took: dict[str, list[float]] = {"embedded": [], "the same": [], "the other": []}
    with ExitStack() as stack:
        enter = stack.enter_context
        embedded = enter(OutsideServer(folder / "embedded", warm_kernels=WARM))
        own = enter(OutsideServer(folder / "a", **_shared(url, warm_kernels=WARM)))
        other = enter(OutsideServer(folder / "b", **_shared(url, queues=[])))
        ways = {
            "embedded": (embedded, embedded),
            "the same": (own, own),
            "the other": (own, other),
        }
        for number in range(2 if quick else 8):
            order = list(ways)
            random.Random(number).shuffle(order)
            for name in order:
                took[name] += _voted(*ways[name])
    base = percentile(took["embedded"], 50)
    rows = []
    for name in ("the same", "the other"):
        p50 = percentile(took[name], 50)
        rows.append(
            Row(
                what=f"vote to the next cell's start, at {name} server ({len(took[name])} votes)",
                ours=f"{ms(p50)} (p99 {ms(percentile(took[name], 99))})",
                peers={"embedded": f"{ms(base)} (p99 {ms(percentile(took['embedded'], 99))})"},
                ratio=times(p50 / base),
                value=p50 / base,
                target=1.5,
                says="p50 at most 1.5 of the embedded one",
            )
        )
    return rows


def _voted(has: OutsideServer, votes: OutsideServer) -> list[float]:
    has.wait_for_warm_kernel()
    with closing(has.client()) as client, closing(votes.client()) as voter:
        run = client.ask("POST", "/jupyter-flows/api/runs", {"notebook": gated(GATES)})["id"]
        return [_vote(client, voter, run, number) for number in range(GATES)]


def _vote(client: Client, voter: Client, run: str, number: int) -> float:
    link = open_gate(client, run, number)
    asked = time.time()  # noqa: TID251 (the cell tells the same clock)
    voter.ask("POST", link)
    return result(client, run, f"c{2 + 2 * number}") - asked


# ---------------------------------------------------------------- what waits


def _waiting(folder: Path, url: str, *, quick: bool) -> list[Row]:
    count, window = (1_000, 5.0) if quick else (100_000, 30.0)
    _seed(folder, url, 1, count)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(OutsideServer(folder / name, **_shared(url))) for name in "ab"
        ]
        time.sleep(20.0)  # what is done once at the start is no part of it
        before = [sum(server.process.cpu_times()[:2]) for server in servers]
        time.sleep(window)
        cpu = [
            (sum(server.process.cpu_times()[:2]) - start) / window
            for server, start in zip(servers, before, strict=True)
        ]
        rss = [server.process.memory_info().rss / MB for server in servers]
        ready = [server.ready_after for server in servers]
    what = f"{count:,} suspended runs, each of two servers"
    return [
        Row(
            what=f"{what}: idle CPU over {window:g} s",
            ours=", ".join(f"{each:.2%}" for each in cpu),
            value=max(cpu),
            target=0.01,
            says="at most 1 % of a core",
        ),
        Row(
            what=f"{what}: memory (RSS)",
            ours=", ".join(f"{each:.0f} MiB" for each in rss),
            value=max(rss),
            target=100.0,
            says="at most 100 MiB",
        ),
        Row(what=f"{what}: ready after", ours=", ".join(map(ms, ready))),
    ]


def _seed(folder: Path, url: str, voted: int, count: int) -> list[str]:
    """So many suspended runs, made of `voted` that are told in full and copied for the rest; the
    tokens that approve the first ones.
    """
    return asyncio.run(_told(folder, url, voted, count))


async def _told(folder: Path, url: str, voted: int, count: int) -> list[str]:
    engine = open_engine(url)
    keys = LinkKeys(KeyTable(SqlServers(engine), KEY, time.time))  # noqa: TID251
    store = SqlStore(url, folder, engine=engine)
    ready = await prepared(store, two_votes())
    tokens = []
    for number in range(voted):
        told = Told(f"run_{number:020}", ready, 1.7e9 + number)
        told.tell(c.Start(), c.Advance())
        told.finish_step(f"{number:040}")
        await told.keep(store)
        link = told.run.links[LinkId(f"{number:040}")]
        tokens.append(write(keys(), claims_of(told.run.id, link, Purpose.RESUME)))
    if count > voted:
        with engine.begin() as connection:
            _copy(connection, voted, count)
    await store.close()
    return tokens


def _copy(connection: sa.Connection, first: int, count: int) -> None:
    """The rows of the first run under other names; a log's chain does not depend on its name."""
    for table, key in (("runs", "id"), ("events", "run_id"), ("gates", "run_id")):
        columns = sa.inspect(connection).get_columns(table)
        others = ", ".join(column["name"] for column in columns if column["name"] != key)
        connection.execute(
            sa.text(
                f"insert into {table} ({key}, {others})"
                f" select 'run_' || lpad(n::text, 20, '0'), {others}"
                f" from {table}, generate_series(cast(:first as int), cast(:last as int)) as n"
                f" where {key} = 'run_' || repeat('0', 20)"
            ),
            {"first": first, "last": count - 1},
        )
    connection.execute(sa.text("analyze"))


# ---------------------------------------------------------------- takeover


def _takeover(folder: Path, url: str, *, quick: bool) -> list[Row]:
    """From kill -9 of the server that has the run, which waits, to the start of its next cell at
    the other one, where the vote is cast at once.
    """
    found = []
    checkpoints = {"checkpoint_dir": str(folder / "checkpoints"), "checkpoint_min_free": 1.0}
    for number in range(1 if quick else 5):
        place = folder / str(number)
        with OutsideServer(place / "goes", **_shared(url, **checkpoints)) as goes:
            with closing(goes.client()) as client:
                run = client.ask("POST", "/jupyter-flows/api/runs", {"notebook": gated(1)})["id"]
                link = open_gate(client, run, 0)
                _until_saved(client, run)
            with OutsideServer(place / "stays", **_shared(url, **checkpoints)) as stays:
                goes.process.kill()
                killed = time.time()  # noqa: TID251 (the cell tells the same clock)
                with closing(stays.client()) as voter:
                    voter.ask("POST", link)
                    found.append(result(voter, run, "c2") - killed)
    return [
        Row(
            what=f"kill -9 of a run's server to its next cell at another ({len(found)} times)",
            ours=f"{median(found):.1f} s (at most {max(found):.1f} s)",
            value=max(found),
            target=TAKEOVER,
            says=f"at most the lease + 5 s, {TAKEOVER:g} s",
        )
    ]


def _until_saved(client: Client, run: str) -> None:
    """Its kernel is kept: the run is that server's still."""
    while not client.ask("GET", f"/jupyter-flows/api/runs/{run}")["checkpoint"]:
        time.sleep(0.05)


# ---------------------------------------------------------------- votes a second


def _rate(folder: Path, postgres: Postgres, *, quick: bool) -> list[Row]:
    """One server and two, in turn, each with as many clients in all."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for number in range(2 if quick else 5):
        for count in (1, 2) if number % 2 else (2, 1):
            url = _fresh(postgres)
            place = folder / f"{number}-{count}"
            tokens = _seed(place, url, VOTES, VOTES)
            with ExitStack() as stack:
                servers = [
                    stack.enter_context(OutsideServer(place / name, **_shared(url)))
                    for name in "ab"[:count]
                ]
                rates[count].append(_votes_a_second(servers, tokens))
    one, two = median(rates[1]), median(rates[2])
    return [
        Row(
            what=f"votes a second at two servers, {VOTES} votes by {CLIENTS} clients",
            ours=f"{two:.0f}",
            peers={"one server": f"{one:.0f}"},
            ratio=times(two / one),
            value=one / two,
            target=1.0,
            says="not below one's",
        )
    ]


def _votes_a_second(servers: Sequence[OutsideServer], tokens: Sequence[str]) -> float:
    shares = [tokens[number::CLIENTS] for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool, ExitStack() as stack:
        clients = [
            stack.enter_context(closing(servers[number % len(servers)].client()))
            for number in range(CLIENTS)
        ]
        start = time.perf_counter()
        list(pool.map(_cast, clients, shares))
        return len(tokens) / (time.perf_counter() - start)


def _cast(client: Client, tokens: Sequence[str]) -> None:
    for token in tokens:
        client.ask("POST", f"/jupyter-flows/resume?flow_token={token}")
