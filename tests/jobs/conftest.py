"""Queues of several servers on one database."""

import asyncio
import logging

import pytest
import sqlalchemy as sa

from jupyter_flows.jobs import schema
from jupyter_flows.jobs.queue import JobQueue
from jupyter_flows.store import tables
from jupyter_flows.store.engine import libpq_url, open_engine
from jupyter_flows.store.postgres.opening import REACH
from jupyter_flows.store.postgres.servers import LEASE_SECONDS, ServerCard, SqlServers


class Queues:
    def __init__(self, url):
        self.url = libpq_url(url)
        self.engine = open_engine(url)
        self.servers = SqlServers(self.engine)
        with self.servers.reached() as connection:
            schema.ensure(connection)
            schema.ensure(connection)
        self.made = []
        self.got = []

    def alive(self, name, queues=("default",), capacity=4):
        self.servers.renew(
            ServerCard(
                id=name,
                url="",
                public_url="",
                host="here",
                pid=1,
                lasting=True,
                queues=queues,
                capacity=capacity,
            )
        )

    def dies(self, name):
        c = tables.servers.c
        gone = sa.update(tables.servers).where(c.id == name)
        self.servers.execute(gone.values(lease_until=c.lease_until - 2 * LEASE_SECONDS))

    async def server(self, name, deliver=None, queues=("default",), capacity=4):
        """A living server that takes jobs; what it is given is noted in `got`."""
        self.alive(name, queues, capacity)
        queue = self.queue(name, queues, capacity)

        async def note(run):
            self.got.append((name, run))

        await queue.start(deliver or note)
        return queue

    def queue(self, name="srv_x", queues=("default",), capacity=4):
        log = logging.getLogger("tests.jobs")
        queue = JobQueue(
            self.url,
            self.servers.reached,
            server=name,
            queues=queues,
            capacity=capacity,
            reach=dict(REACH),
            clock=self.servers.now,
            log=log,
        )
        self.made.append(queue)
        return queue

    def run(self, name, status="running", server=None, queue=None, **said):
        values = {"path": "a.ipynb", "owner": "alice", "created_at": 1.0, "epoch": 1}
        row = {"id": name, "status": status, "server": server, "queue": queue, **values, **said}
        self.servers.execute(sa.insert(tables.runs).values(row))

    def jobs(self):
        query = sa.text(
            "select queue_name, args ->> 'run' as run, status::text from procrastinate_jobs"
            " order by id"
        )
        return self.servers.select(query, tuple)

    def all_jobs(self):
        """All that there is of them, but for their numbers; when they are due, in whole seconds."""
        query = sa.text(
            "select queue_name, task_name, priority, lock, queueing_lock, args::text, status::text,"
            " round(extract(epoch from scheduled_at - now())) from procrastinate_jobs order by id"
        )
        return self.servers.select(query, tuple)

    def execute(self, text):
        with self.engine.begin() as connection:
            connection.execute(sa.text(text))

    async def until(self, holds, seconds=30.0):
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.01)


@pytest.fixture
def queues(postgres_url, jp_asyncio_loop):
    queues = Queues(postgres_url)
    yield queues
    for queue in queues.made:
        jp_asyncio_loop.run_until_complete(queue.stop())
    queues.engine.dispose()
