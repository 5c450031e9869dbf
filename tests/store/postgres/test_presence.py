"""Leases by the database's clock, and what servers tell one another (scale.md, Rules learnt)."""

import asyncio

import pytest
import sqlalchemy as sa

from jupyter_flows.core.errors import KernelUnavailable, StoreUnavailable
from jupyter_flows.ports import Evaluation, Expression
from jupyter_flows.store import tables
from jupyter_flows.store.postgres import presence as presences
from jupyter_flows.store.postgres import questions
from jupyter_flows.store.postgres import servers as leases


def lapse(servers, name):
    """Its lease ran out long ago."""
    c = tables.servers.c
    servers.execute(sa.update(tables.servers).where(c.id == name).values(lease_until=1.0))


async def test_a_server_is_alive_by_its_lease_and_known_for_a_while_after(join, servers):
    a, _ = await join("srv_a")
    b, _ = await join("srv_b", queues=("gpu",), capacity=2)
    assert await a.alive("srv_b")
    assert await a.alive("srv_a")
    assert not await a.alive("srv_none")
    assert [(row.id, row.queues, row.capacity) for row in await a.all()] == [
        ("srv_a", ("default",), 4),
        ("srv_b", ("gpu",), 2),
    ]
    lapse(servers, "srv_b")
    assert [row.id for row in await a.all()] == ["srv_a"]
    assert [(row.id, row.lives) for row in await a.known()] == [("srv_a", True), ("srv_b", False)]
    await b.leave()
    assert [row.id for row in await a.known()] == ["srv_a"]


async def test_who_was_out_of_touch_itself_does_not_judge_by_leases(join, servers, monkeypatch):
    """After the database was away for long, all leases have run out."""
    a, _ = await join("srv_a")
    await join("srv_b")
    lapse(servers, "srv_b")
    assert await a.alive("srv_b"), "it has only just come itself"
    now = presences._steady()
    monkeypatch.setattr(presences, "_steady", lambda: now + leases.LEASE_SECONDS + 1)
    assert not await a.alive("srv_b")


async def test_a_command_that_has_no_lease_takes_them_as_they_are(join, servers, postgres_url):
    await join("srv_b")
    command = presences.Presence(postgres_url, servers, None)
    assert await command.alive("srv_b")
    lapse(servers, "srv_b")
    assert not await command.alive("srv_b")


async def test_a_lease_is_renewed_and_a_row_that_is_gone_written_anew(
    join, servers, monkeypatch, until
):
    monkeypatch.setattr(presences, "BEAT_SECONDS", 0.02)
    a, _ = await join("srv_a")
    lapse(servers, "srv_a")
    await until(lambda: servers.server("srv_a").lives)
    servers.remove("srv_a")
    await until(lambda: servers.server("srv_a") is not None)
    assert a.is_sure


async def test_a_server_that_slept_through_its_lease_is_told_so(join, monkeypatch):
    a, told = await join("srv_a")
    assert a.is_sure
    now = presences._steady()
    monkeypatch.setattr(presences, "_steady", lambda: now + 100)
    assert not a.is_sure
    monkeypatch.setattr(presences, "BEAT_SECONDS", 0.02)
    a._renewed(now + 100)
    assert ("lost_touch",) in told.said


async def test_the_clock_is_the_databases(join, servers, monkeypatch):
    """A server whose own clock is minutes ahead, or behind."""
    true = presences._wall
    monkeypatch.setattr(presences, "_wall", lambda: true() - 300.0)
    a, _ = await join("srv_a")
    assert a.clock() == pytest.approx(servers.now(), abs=1.0)
    monkeypatch.setattr(presences, "_wall", lambda: true() + 240.0)
    a._set_clock()
    assert a.clock() == pytest.approx(servers.now(), abs=1.0)


async def test_what_is_said_is_heard_by_those_whom_it_concerns(join, until):
    a, told_a = await join("srv_a")
    b, told_b = await join("srv_b")
    await a.poke("srv_b", "run_1")
    await a.say_keys_changed()
    assert await a.poke_schedules()
    a._servers.notify("jupyter_flows", "e:run_1:12")
    a._servers.notify("jupyter_flows", "c:run_2")
    a._servers.notify("jupyter_flows", "nonsense")
    a._servers.notify("jupyter_flows", "e:run_1:x")
    await b.drain("srv_a")
    await until(lambda: ("drained",) in told_a.said)
    await until(lambda: len(told_b.said) == 5)
    common = [("keys",), ("schedules",), ("events", "run_1", 12), ("look", "run_2")]
    assert told_b.said == [("look", "run_1"), *common]
    assert told_a.said == [*common, ("drained",)]
    assert a.draining
    assert not b.draining


async def test_being_drained_is_learnt_from_the_lease_too(join, servers, monkeypatch, until):
    monkeypatch.setattr(presences, "BEAT_SECONDS", 0.02)
    a, told = await join("srv_a")
    servers.drain("srv_a")
    await until(lambda: ("drained",) in told.said)
    assert a.draining
    assert servers.server("srv_a").draining


async def test_listening_goes_on_after_the_connection_was_lost(join, database, until):
    a, told = await join("srv_a")
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where query like 'LISTEN%' and datname = current_database()"
            )
        )
    await until(lambda: ("lost_touch",) in told.said)
    told.said.clear()
    await a.poke("srv_a", "run_1")
    await until(lambda: ("look", "run_1") in told.said)


async def test_a_question_is_answered_by_the_server_that_has_the_kernel(join, database):
    async def evaluate(run, expression):
        return Evaluation(value=[run, expression.expr, dict(expression.names)], truth=True)

    a, _ = await join("srv_a")
    await join("srv_b", evaluate)
    found = await a.evaluate("srv_b", "run_1", Expression(expr="x > 1", names={"x": 2}))
    assert found == Evaluation(value=["run_1", "x > 1", {"x": 2}], truth=True)
    with database.connect() as connection:
        assert connection.execute(sa.select(tables.questions)).all() == []


async def test_a_question_that_is_refused_or_not_answered_says_so(join, monkeypatch):
    async def evaluate(run, expression):
        raise KernelUnavailable("It is gone; resume the run first.")

    a, _ = await join("srv_a")
    await join("srv_b", evaluate)
    with pytest.raises(KernelUnavailable, match="It is gone"):
        await a.evaluate("srv_b", "run_1", Expression(expr="1"))
    monkeypatch.setattr(questions, "PATIENCE", 0.05)
    with pytest.raises(KernelUnavailable, match="did not answer in time"):
        await a.evaluate("srv_c", "run_1", Expression(expr="1", timeout=0.05))


async def test_an_answer_whose_notice_was_lost_is_found(join, monkeypatch):
    async def evaluate(run, expression):
        return Evaluation(truth=True)

    a, _ = await join("srv_a")
    await join("srv_b", evaluate)
    monkeypatch.setattr(questions, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(a._questions, "heard", lambda question: None)
    assert (await a.evaluate("srv_b", "run_1", Expression(expr="1"))).truth


async def test_many_questions_at_once_each_get_their_own_answer(join):
    async def evaluate(run, expression):
        await asyncio.sleep(0)
        return Evaluation(value=run)

    a, _ = await join("srv_a")
    await join("srv_b", evaluate)
    asked = [a.evaluate("srv_b", f"run_{n}", Expression(expr="1")) for n in range(12)]
    assert [found.value for found in await asyncio.gather(*asked)] == [
        f"run_{n}" for n in range(12)
    ]


def test_a_database_that_can_not_be_reached_is_said(servers, database, card):
    database.dispose()
    broken = sa.create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable):
        leases.SqlServers(broken).renew(card("srv_a"))
