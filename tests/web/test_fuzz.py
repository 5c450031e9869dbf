"""Requests that schemathesis makes of the OpenAPI document: none is answered by an error of the
server's own, and every answer is of a status, a type and a shape that the document has.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from .fuzzing import World, limits

LEFT_OUT = {
    "GET /api/documents/ws": "a web socket",
}
UNANSWERED = {}
"""Operations that no request reaches a 2xx or 3xx of, and why."""
import os
EXAMPLES = int(os.environ.get("EX", 5))
CHECKS = [checks.content_type_conformance, checks.response_schema_conformance]


@pytest.fixture
def flows_config():
    return {"max_tries_per_minute": 10**6, "max_answers_per_minute": 10**6}


@pytest.fixture
def world(jp_root_dir, make_notebook, base_url, jp_serverapp, house, kernels):
    """`await world()`"""
    (jp_root_dir / "limits.ipynb").write_text(limits(make_notebook))
    token = jp_serverapp.identity_provider.token

    async def world():
        return await asyncio.to_thread(World, base_url, token, house.keys(), make_notebook)

    return world


def operations(schema):
    return [found for each in schema.get_all_operations() if (found := each.ok()) is not None]


class Fuzzed:
    """What was answered, by operation, and what was wrong with it."""

    def __init__(self, world):
        self.world = world
        self.statuses = defaultdict(Counter)
        self.wrong = []

    def send(self, case):
        label = case.operation.label
        answer = case.call(
            base_url=self.world.url,
            session=self.world.session,
            headers=self.world.headers(label),
            allow_redirects=False,
            timeout=20,
        )
        self.statuses[label][answer.status_code] += 1
        declared = case.operation.responses.status_codes
        try:
            if answer.status_code >= 500 and str(answer.status_code) not in declared:
                raise AssertionError(f"{label}: {answer.status_code}\n{answer.text[:500]}\n{case.as_curl_command()[:1500]}")
            case.validate_response(answer, checks=CHECKS)
        except (Exception, BaseExceptionGroup) as error:
            self.wrong.append(f"{label}: {error}")

    def exhaust(self, strategy):
        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            derandomize="EX" not in os.environ,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def every(case):
            self.send(case)

        with contextlib.suppress(Unsatisfiable):
            every()

    def fuzz(self, operation):
        world, label = self.world, operation.label
        world.mend()
        names = [each.name for each in operation.path_parameters]
        path, query = world.in_path(label, names), world.in_query(label)
        body = world.body(label)
        fixed = {"path_parameters": path, "query": query}
        whole = fixed if body is None else {**fixed, "body": body, "media_type": "application/json"}
        self.exhaust(operation.as_strategy(**whole))
        world.mend()
        names_it = {**fixed, "path_parameters": world.in_path(label, names)}
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            self.exhaust(operation.as_strategy(mode, **names_it))
            self.exhaust(operation.as_strategy(mode))


@pytest.mark.timeout(600)
async def test_every_answer_is_one_that_the_document_has(call, world):
    document = (await call("GET", "openapi.json")).json
    schema = schemathesis.openapi.from_dict(document)
    load_all_checks()
    fuzzed = Fuzzed(await world())

    def all_of_them():
        import time
        for operation in operations(schema):
            if operation.label in LEFT_OUT:
                continue
            t=time.time()
            try:
                fuzzed.fuzz(operation)
            except BaseException as e:
                import traceback
                fuzzed.wrong.append(f"{operation.label}: HARNESS {traceback.format_exc()[-1500:]}")
            print(operation.label, dict(fuzzed.statuses[operation.label]), round(time.time()-t,1), flush=True)

    await asyncio.to_thread(all_of_them)
    for w in fuzzed.wrong: print("WRONG", w)
    print(sum(sum(c.values()) for c in fuzzed.statuses.values()))
    assert not fuzzed.wrong
