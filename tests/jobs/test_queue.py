"""Which server gets a run to drive, and that none is forgotten (scale.md, Rules learnt)."""

import asyncio

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core.errors import StoreUnavailable

from ..store.story import Story  # noqa: TID252 (the tests are no installed package)


async def test_a_run_goes_to_the_server_that_has_it_while_that_lives(queues):
    await queues.server("srv_a")
    await queues.server("srv_b")
    queues.run("run_1", server="srv_b")
    await queues.queue().defer("run_1")
    await queues.until(lambda: queues.got)
    assert queues.got == [("srv_b", "run_1")]
    queues.dies("srv_b")
    await queues.made[1].stop()
    await queues.queue().defer("run_1")
    await queues.until(lambda: len(queues.got) == 2)
    assert queues.got[1] == ("srv_a", "run_1")
    await queues.until(lambda: not queues.jobs())


async def test_a_run_of_a_class_goes_to_servers_of_that_class_only(queues):
    await queues.server("srv_a")
    await queues.server("srv_b", queues=("gpu",))
    queues.run("run_1", queue="gpu")
    queues.run("run_2")
    queues.run("run_3", queue="of nobody")
    for run in ("run_1", "run_2", "run_3"):
        await queues.queue().defer(run)
    await queues.until(lambda: len(queues.got) == 2)
    assert sorted(queues.got) == [("srv_a", "run_2"), ("srv_b", "run_1")]
    await queues.until(lambda: len(queues.jobs()) == 1)
    assert queues.jobs() == [("of nobody", "run_3", "todo")]


async def test_no_server_drives_more_at_a_time_than_its_capacity(queues):
    """Those that are over go to others, or wait."""
    ended, begun = asyncio.Event(), []

    async def deliver(run):
        begun.append(run)
        await ended.wait()

    a = await queues.server("srv_a", deliver, capacity=2)
    assert a.has_place("default")
    assert a.has_place(None)
    assert not a.has_place("gpu")
    for number in range(3):
        queues.run(f"run_{number}")
        await a.defer(f"run_{number}")
    await queues.until(lambda: len(begun) == 2)
    assert not a.has_place("default")
    await queues.server("srv_b")
    await queues.until(lambda: queues.got)
    assert len(begun) == 2
    ended.set()
    await queues.until(lambda: not queues.jobs())
    assert a.has_place("default")


async def test_what_fails_to_be_driven_takes_no_place_for_ever(queues):
    async def deliver(run):
        raise StoreUnavailable("away")

    a = await queues.server("srv_a", deliver, capacity=1)
    queues.run("run_1")
    await a.defer("run_1")
    await queues.until(lambda: not queues.jobs())
    assert a.has_place(None)


@pytest.mark.parametrize("server", ["srv_x", "srv_b", "srv_dead", None])
@pytest.mark.parametrize("told", ["begins", "ended", "waits"])
@pytest.mark.parametrize("by_driver", [False, True])
async def test_a_job_is_put_by_a_statement_as_by_a_call(queues, server, told, by_driver):
    """The one is for commits of one statement, the other for transactions."""
    queues.alive("srv_b")
    queues.alive("srv_dead")
    queues.dies("srv_dead")
    story = Story(first={"queue": "gpu"})
    run, events = STORIES[told](story)
    outbox = queues.queue("srv_x").outbox
    with queues.engine.begin() as connection:
        outbox(connection, run, events, server=server, by_driver=by_driver)
    also = outbox.statement(run, events, by_driver=by_driver)
    if also is not None:
        statement, values = also
        with queues.engine.begin() as connection:
            connection.connection.driver_connection.execute(
                f"select {statement} from (select %s::text as server) as mine", [*values, server]
            )
    put = queues.all_jobs()
    assert put[: len(put) // 2] == put[len(put) // 2 :]
    expected = {
        "begins": {"srv_x": "srv:srv_x", "srv_b": "srv:srv_b"}.get(server, "gpu"),
        "ended": server and f"srv:{server}",
        "waits": None,
    }[told]
    is_put = expected is not None and not by_driver
    assert [job[0] for job in put] == ([expected] * 2 if is_put else [])


STORIES = {
    "begins": lambda story: (story.run, story.first),
    "ended": lambda story: story.tell(c.Cancel(by="alice")),
    "waits": lambda story: [story.start(), story.finish("load"), story.finish("ask")][-1],
}


@pytest.mark.parametrize("status", ["running", "queued"])
async def test_a_run_whose_job_was_lost_is_found(queues, status):
    queue = queues.queue()
    queues.run("run_1", status)
    await queue.reconcile()
    assert queues.jobs() == [("default", "run_1", "todo")]
    await queue.reconcile()
    assert len(queues.jobs()) == 1, "it has one"
    queues.execute("delete from procrastinate_jobs")
    await queue.reconcile()
    assert len(queues.jobs()) == 1


@pytest.mark.parametrize("status", ["suspended", "sleeping", "interrupted", "succeeded", "failed"])
async def test_a_run_that_has_nothing_to_do_gets_no_job(queues, status):
    queues.run("run_1", status)
    queues.run("run_2", "queued", due_at=5.0)
    await queues.queue().reconcile()
    assert queues.jobs() == []


async def test_jobs_of_a_dead_server_go_to_others(queues):
    """Those that waited for it, and those that were under way there."""
    queues.alive("srv_b")
    queues.run("run_1", server="srv_b")
    queues.run("run_2", server="srv_b")
    queue = queues.queue()
    for run in ("run_1", "run_2"):
        await queue.defer(run)
    queues.execute("insert into procrastinate_workers default values")
    queues.execute(
        "update procrastinate_jobs set status = 'doing', worker_id = w.id"
        " from procrastinate_workers w where args ->> 'run' = 'run_2'"
    )
    await queue.reconcile()
    assert [job[:2] for job in queues.jobs()] == [("srv:srv_b", "run_1"), ("srv:srv_b", "run_2")]
    queues.dies("srv_b")
    await queue.reconcile()
    todo = [job[:2] for job in queues.jobs() if job[2] == "todo"]
    assert sorted(todo) == [("default", "run_1"), ("default", "run_2")]


async def test_a_job_whose_worker_is_gone_hides_no_run(queues):
    """A worker may end without its server: when the database was away, say."""
    queues.alive("srv_b")
    queues.run("run_1", server="srv_b")
    queue = queues.queue()
    await queue.defer("run_1")
    queues.execute(
        "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 minute')"
    )
    queues.execute(
        "update procrastinate_jobs set status = 'doing', worker_id = w.id"
        " from procrastinate_workers w"
    )
    await queue.reconcile()
    assert [job[2] for job in queues.jobs()] == ["doing", "todo"]
    await queue.reconcile()
    assert len(queues.jobs()) == 2


async def test_runs_that_wait_for_a_place_are_looked_at_less_often(queues):
    queue = queues.queue()
    await queue.reconcile()
    queues.run("run_1", "queued", flow="f")
    queues.run("run_2", "queued", started_by="run_0")
    for _ in range(7):
        await queue.reconcile()
    assert queues.jobs() == []
    await queue.reconcile()
    assert sorted(job[1] for job in queues.jobs()) == ["run_1", "run_2"]


async def test_there_is_another_worker_when_the_database_comes_back(queues):
    """Procrastinate's worker ends with its connections."""
    a = await queues.server("srv_a")
    queues.run("run_1")
    await a.defer("run_1")
    await queues.until(lambda: queues.got)
    queues.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where pid <> pg_backend_pid() and datname = current_database()"
    )
    queues.engine.dispose()
    await queues.queue().defer("run_1")
    await queues.until(lambda: len(queues.got) == 2)


async def test_a_drained_server_takes_only_what_is_its_own(queues):
    a = await queues.server("srv_a")
    a.drain()
    assert not a.has_place("default")
    queues.run("run_1")
    queues.run("run_2", server="srv_a")
    for run in ("run_1", "run_2"):
        await queues.queue().defer(run)
    await queues.until(lambda: queues.got)
    await queues.until(lambda: len(queues.jobs()) == 1)
    assert queues.got == [("srv_a", "run_2")]
    assert queues.jobs() == [("default", "run_1", "todo")]


async def test_jobs_whose_worker_is_gone_are_forgotten(queues):
    queues.execute(
        "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour')"
    )
    queues.execute(
        "insert into procrastinate_jobs (queue_name, task_name, args, status, worker_id)"
        " select 'default', 'drive', '{\"run\": \"run_9\"}', 'doing', id from procrastinate_workers"
    )
    await queues.server("srv_a")
    await queues.until(lambda: not queues.jobs())
    assert queues.got == []
