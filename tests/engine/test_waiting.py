"""The one task that sleeps to the next due time."""

import asyncio
import logging

import pytest

from jupyter_flows.engine.waiting import Waiting


class Never:
    async def next_due(self):
        return None


@pytest.mark.parametrize("steps", range(6))
async def test_it_ends_when_it_is_cancelled_also_just_as_there_is_news(steps, jp_asyncio_loop):
    ticks = []

    async def tick():
        ticks.append(1)
        return True

    log = logging.getLogger("tests.waiting")
    waiting = Waiting("news", store=Never(), tick=tick, clock=lambda: 0.0, log=log)
    task = asyncio.create_task(waiting.forever())
    for _ in range(5):
        await asyncio.sleep(0)
    waiting.look()
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
