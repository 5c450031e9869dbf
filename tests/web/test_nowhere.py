"""Addresses under ours that are no doors."""

import pytest


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/api/run", "/api/runs/a%20b", "/api/runs//events"])
async def test_an_address_that_is_none_is_answered_by_a_problem(anyone, house, method, path):
    answer = await anyone(method, path)
    assert answer.status == 404
    assert answer.is_problem
    if method != "HEAD":
        assert "openapi.json" in answer.json["detail"]
