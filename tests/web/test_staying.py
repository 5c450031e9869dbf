"""A run that waits is activity of its server, if that is asked for."""

import asyncio

import pytest

from jupyter_flows.engine import staying


@pytest.fixture
def flows_config():
    return {"keep_server_alive": True}


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(staying, "EVERY", 0.01)


async def test_a_server_with_a_run_that_waits_is_active(park, jp_serverapp, house):
    app = jp_serverapp.web_app
    await house.start("http://127.0.0.1:9", "http://127.0.0.1:9")
    assert "jupyter_flows_last_activity" not in app.settings
    await park()
    for _ in range(2):
        before = app.last_activity()
        while app.settings.get("jupyter_flows_last_activity", before) <= before:
            await asyncio.sleep(0.01)
    assert app.last_activity() == app.settings["jupyter_flows_last_activity"]
