"""The real client package, from threads, as if it was to be awaited."""

import asyncio

import pytest
import wmill

from jupyter_flows.core.errors import UnknownPath


class InThreads:
    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        method = getattr(self.client, name)
        return lambda *args, **more: asyncio.to_thread(method, *args, **more)


@pytest.fixture
def base_url(jp_serverapp, http_server_client):
    return http_server_client.get_url(jp_serverapp.base_url) + "jupyter-flows"


@pytest.fixture
def windmill_of(base_url):
    """A client with this token."""

    def windmill_of(token):
        return InThreads(wmill.Windmill(base_url, token, "jupyter"))

    return windmill_of


@pytest.fixture
def windmill(windmill_of, jp_serverapp):
    """A logged-in user's client."""
    return windmill_of(jp_serverapp.identity_provider.token)


class FakeResources:
    """Implements `ports.objects.ResourceReader`."""

    def __init__(self, values):
        self.values = values
        self.asked = []

    async def value(self, user, path):
        self.asked.append((user, path))
        if path not in self.values:
            raise UnknownPath(f"There is no resource {path!r}.")
        return self.values[path]
