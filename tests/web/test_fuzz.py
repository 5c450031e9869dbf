"""Requests made of the OpenAPI document, and against it: none is answered by an error of the
server's own, and each answer is of a status, a type and a shape that the document has.
"""

import asyncio
import contextlib
import http.client
from collections import Counter, defaultdict
from urllib.parse import quote, urlencode, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from .fuzzing import ENDED, TAKEN_BACK, W, World, limits
from .hostile import BODIES, TEXTS, spoiled

EXAMPLES = 3
FEW = settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
CHECKS = [checks.content_type_conformance, checks.response_schema_conformance]

LEFT_OUT = {"GET /api/documents/ws"}
"""A web socket."""
S3, MESSENGER = "no storage here is S3", "no messenger is set up"
NOT_HERE = "refused, with what to do instead"
UNREACHED = {
    "POST /inbox": "gates with a form are not approved several at once",
    "GET /page/{gate}/frame/{name}": "the gate's cell shows nothing that needs a frame",
    f"POST {W}/job_helpers/v2/duckdb_connection_settings": S3,
    f"POST {W}/job_helpers/v2/polars_connection_settings": S3,
    f"POST {W}/job_helpers/v2/s3_resource_info": S3,
    f"GET {W}/job_helpers/v2/s3_proxy_bucket": NOT_HERE,
    f"POST {W}/jobs/wac/inline_checkpoint/{{job}}": "the kernel's step waits: it doesn't run",
    f"GET {W}/jobs/slack_approval/{{job}}": MESSENGER,
    "POST /api/teams/activities": MESSENGER,
    f"POST {W}/oidc/token/{{audience}}": NOT_HERE,
    f"POST {W}/kafka_triggers/commit_offsets/{{path}}": NOT_HERE,
    f"POST {W}/assets/record_materialization": NOT_HERE,
}
"""Operations that no request comes through to, and why."""


@pytest.fixture
def flows_config():
    return {"max_tries_per_minute": 10**6, "max_answers_per_minute": 10**6}


@pytest.fixture
def world(  # noqa: PLR0917 (fixtures are asked for by name)
    jp_root_dir, make_notebook, base_url, jp_serverapp, house, kernels
):
    """To be called in a thread."""
    (jp_root_dir / "limits.ipynb").write_text(limits(make_notebook))
    token = jp_serverapp.identity_provider.token
    return lambda: World(base_url, token, house.keys(), make_notebook)


async def document_of(call):
    return (await call("GET", "openapi.json")).json


def fuzzed_operations(schema):
    found = (each.ok() for each in schema.get_all_operations())
    return [each for each in found if each.label not in LEFT_OUT]


def void(_):
    """What a property must give."""


class Asked:
    """What was answered, by operation, and what was wrong with it."""

    def __init__(self, world):
        self.world = world
        self.statuses = defaultdict(Counter)
        self.wrong = []

    @property
    def reached(self):
        return {label for label, found in self.statuses.items() if any(s < 400 for s in found)}

    def send(self, case):
        label = case.operation.label
        try:
            answer = self.call(case)
        except requests.ConnectionError:  # the server had closed the line
            answer = self.call(case)
        self.statuses[label][answer.status_code] += 1
        self.check(case, answer)
        return answer

    def call(self, case):
        return case.call(
            base_url=self.world.url,
            session=self.world.session,
            headers=self.world.headers(case.operation.label),
            allow_redirects=False,
            timeout=20,
        )

    def check(self, case, answer):
        declared = case.operation.responses.status_codes
        if answer.status_code >= 500 and str(answer.status_code) not in declared:
            curl = case.as_curl_command()[:2000]
            self.wrong.append(f"{case.operation.label}: {answer.status_code} {curl}")
        try:
            case.validate_response(answer, checks=CHECKS)
        except (AssertionError, BaseExceptionGroup) as error:
            self.wrong.append(f"{case.operation.label}: {error}")

    def send_some(self, strategy):
        with contextlib.suppress(Unsatisfiable):  # nothing can be wrong where nothing is said
            FEW(given(strategy)(lambda case: void(self.send(case))))()


class Fuzzer(Asked):
    touched = True

    def fuzz(self, operation):
        """As it is used; with things that are there, right and wrong; with anything at all."""
        world, label = self.world, operation.label
        if self.touched or label in TAKEN_BACK:
            world.mend(label)
        self.touched = operation.method != "get"
        names = [each.name for each in operation.path_parameters]
        known = {"path_parameters": world.in_path(label, names), "query": world.in_query(label)}
        body = world.body(label)
        used = {"body": body, "media_type": world.media_type(label)} if body else {}
        self.send_some(operation.as_strategy(**known, **used))
        if self.touched:
            world.mend(label)
            known["path_parameters"] = world.in_path(label, names)
        if list(operation.query) or list(operation.headers) or list(operation.body):
            self.send_some(operation.as_strategy(**known))
            self.send_some(operation.as_strategy(GenerationMode.NEGATIVE, **known))
        if names not in ([], ["workspace"]):
            self.send_some(operation.as_strategy(GenerationMode.NEGATIVE))


@pytest.mark.timeout(400)
async def test_every_answer_is_one_that_the_document_has(call, world):
    schema = schemathesis.openapi.from_dict(await document_of(call))
    load_all_checks()
    operations = fuzzed_operations(schema)

    def fuzz():
        fuzzer = Fuzzer(world())
        for operation in operations:
            fuzzer.fuzz(operation)
        return fuzzer

    fuzzer = await asyncio.to_thread(fuzz)
    assert fuzzer.wrong == []
    assert {each.label for each in operations} - fuzzer.reached == set(UNREACHED)


# ---------------------------------------------------------------- one after the other


def links_of(document):
    """Each as the operation that gives, the one that takes, and what it is given."""
    labels = {
        operation["operationId"]: f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                for link in answer.get("links", {}).values():
                    taken = labels[link["operationId"]]
                    yield f"{method.upper()} {path}", int(status), taken, link["parameters"]


async def test_what_an_operation_gives_leads_to_what_it_has_made(call, world):
    """By the links of the document."""
    document = await document_of(call)
    schema = schemathesis.openapi.from_dict(document)
    load_all_checks()
    operations = {each.label: each for each in fuzzed_operations(schema)}

    def used(asked, label, **path):
        world, operation = asked.world, operations[label]
        body = world.body(label)
        said = {"body": body, "media_type": world.media_type(label)} if body else {}
        known = world.in_path(label, [each.name for each in operation.path_parameters])
        case = operation.Case(
            path_parameters={**known, **path}, query=world.in_query(label), **said
        )
        return asked.send(case)

    def walk():
        asked = Asked(world())
        for giver, status, taker, parameters in links_of(document):
            if taker in LEFT_OUT | ENDED:
                continue
            asked.world.mend(giver)
            given_ = used(asked, giver)
            assert given_.status_code == status, (giver, given_.text)
            found = {
                name: given_.json()[said.rpartition("/")[2]] for name, said in parameters.items()
            }
            asked.world.link = found.get("link", asked.world.link)
            taken = used(asked, taker, **found)
            assert taken.status_code != 404, (giver, taker, taken.text)
            asked.statuses["links"][taker] += 1
        return asked

    asked = await asyncio.to_thread(walk)
    assert asked.wrong == []
    assert len(asked.statuses["links"]) > 15


# ---------------------------------------------------------------- what no document allows


class Hostile:
    def __init__(self, world):
        self.world = world
        self.base = urlsplit(world.url)
        self.line = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=20)
        self.line._validate_path = lambda _: None
        self.wrong = []
        self.sent = 0

    def answer(self, *asked):
        """The server closes a line by which it was sent something that is no HTTP."""
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            self.line.request(*asked)
            answer = self.line.getresponse()
            return answer, answer.read()
        self.line.close()
        self.line.request(*asked)
        answer = self.line.getresponse()
        return answer, answer.read()

    def send(self, label, operation, path, query, body=None):
        address = f"{self.base.path}{path}?{urlencode(query)}"
        said = {**self.world.headers(label), "Content-Type": "application/json"}
        answer, told = self.answer(label.partition(" ")[0], address, body, said)
        self.sent += 1
        declared = operation["responses"]
        kinds = declared["default"]["content"]
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if answer.status >= 500 and str(answer.status) not in declared:
            self.wrong.append((label, answer.status, address[:200], (body or b"")[:200], told))
        elif answer.status >= 400 and str(answer.status) not in declared and kind not in kinds:
            self.wrong.append((label, answer.status, kind, address[:200]))

    def attack(self, label, operation):
        world = self.world
        if label in TAKEN_BACK or not label.startswith("GET ") or world.run is None:
            world.mend(label)
        names = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        known = {name: quote(x, safe="") for name, x in world.in_path(label, names).items()}
        template, query = label.partition(" ")[2], world.in_query(label)
        good = template.format(**known)
        for name in names:
            for text in TEXTS if name != "workspace" else ():
                path = template.format(**{**known, name: quote(text, safe="")})
                self.send(label, operation, path, query)
        for asked in (p["name"] for p in operation["parameters"] if p["in"] == "query"):
            for text in TEXTS:
                self.send(label, operation, good, {**query, asked: text})
        if "requestBody" in operation:
            body = world.body(label)
            for each in (*BODIES, *(spoiled(body, 4) if body else ())):
                self.send(label, operation, good, query, each)


async def test_nothing_that_is_sent_is_an_error_of_the_servers_own(call, world):
    document = await document_of(call)

    def attack():
        hostile = Hostile(world())
        for path, item in document["paths"].items():
            for method, operation in item.items():
                label = f"{method.upper()} {path}"
                if label not in LEFT_OUT:
                    hostile.attack(label, operation)
        hostile.line.close()
        return hostile

    hostile = await asyncio.to_thread(attack)
    assert hostile.wrong == []
    assert hostile.sent > 1000
