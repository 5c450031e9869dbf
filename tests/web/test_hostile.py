"""What a hostile client sends to every operation: texts that are none, numbers without end, bodies
of anything. It is told what is wrong; nothing of it is an error of the server's own.
"""

import asyncio
import json
import re
from urllib.parse import quote, urlencode, urlsplit

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from .fuzzing import LEFT_OUT, World, limits

TEXTS = (
    b"\x00",
    b"a\x00b",
    b"\xff\xfe",
    b"%",
    b"%2F..%2F",
    b"..",
    b".",
    b"a/../b",
    b"//",
    b"\xf0\x9d\x9f\x99",
    b"\xe2\x80\xae\n\r\t",
    b"\xed\xa0\x80",
    b"-1",
    b"9" * 30,
    b"1e400",
    b"x" * 5000,
    b"run_" + b"\x00" * 5,
    b'{"a": ' * 3000,
    b"[" * 3000,
)
"""Of the address; two are no UTF-8, one is a digit that is no ASCII."""

DEEP = "[" * 50_000
VALUES = (
    '"\\u0000"',
    '"\\ud800"',
    '"a\\u0000b/../c"',
    '""',
    '"' + "x" * 100_000 + '"',
    "9" * 400,
    "-1",
    "1e308",
    "1e999",
    "NaN",
    "true",
    "null",
    "[]",
    "{}",
    '{"\\ud800": 1}',
    '{"\\u0000": "\\u0000"}',
    '{"$ref": "#/nowhere"}',
    "[" * 150 + "]" * 150,
    "[" * 400 + "]" * 400,
    "5",
    "[" * 900 + "]" * 900,
    DEEP,
)
"""In a body, in the place of a value, as they are written."""

BODIES = (b"", b"null", b"[]", b'""', b"1", b"{", b"\xff\xfe", b"\x00", b"{}", DEEP.encode(), b"NaN")


@pytest.fixture
def flows_config():
    return {"max_tries_per_minute": 10**6, "max_answers_per_minute": 10**6}


def places(value, at=()):
    """The ways to each value in this body, and to the body itself."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from places(each, (*at, key))


MARK = "«»"


def put(body, at, written):
    """The body as JSON with this in that place."""
    def walk(value, at):
        if not at:
            return MARK
        copied = value.copy()
        copied[at[0]] = walk(value[at[0]], at[1:])
        return copied
    return json.dumps(walk(body, at), ensure_ascii=False).replace(f'"{MARK}"', written).encode("utf-8", "surrogatepass")


class Hostile:
    def __init__(self, world, document):
        self.world, self.document = world, document
        self.asked = 0
        self.wrong = []

    def send(self, label, path, query=(), body=None, headers=None):
        world = self.world
        method = label.partition(" ")[0]
        import http.client
        where = urlsplit(world.url)
        self.asked += 1
        address = f"{where.path}{path}" + (f"?{query}" if query else "")
        line = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
        line._validate_path = lambda _: None
        try:
            line.request(method, address, body, {**world.headers(label), "Content-Type": "application/json", **(headers or {})})
            answer = line.getresponse()
            said = answer.read()
        except Exception as error:
            self.wrong.append(f"{label} {address[:200]} {error!r}")
            return
        finally:
            line.close()
        declared = self.document["paths"][label.partition(" ")[2]][method.lower()]["responses"]
        if answer.status >= 500 and str(answer.status) not in declared:
            self.wrong.append(f"{label} {answer.status} {address[:200]} BODY {(body or b'')[:150]} SAID {said[:200]}")
        elif answer.status >= 400 and answer.status != 416 and "problem+json" not in answer.headers["Content-Type"] and "text/html" not in str(declared["default"]):
            self.wrong.append(f"{label} {answer.status} {answer.headers['Content-Type']} {address[:200]} {said[:100]}")

    def attack(self, path, method, operation):
        label = f"{method.upper()} {path}"
        self.world.mend()
        places_ = operation["parameters"]
        names = [p["name"] for p in places_ if p["in"] == "path"]
        known = {n: quote(v, safe="") for n, v in self.world.in_path(label, names).items()}
        query = self.world.in_query(label)
        for name in names:
            for text in TEXTS:
                if name != "workspace":
                    self.send(label, path.format(**{**known, name: quote(text, safe="")}), urlencode(query))
        good = path.format(**known)
        for p in places_:
            if p["in"] == "query":
                for text in TEXTS:
                    self.send(label, good, urlencode({**query, p["name"]: text}))
        if method in ("get", "delete"):
            return
        for body in BODIES:
            self.send(label, good, urlencode(query), body)
        body = self.world.body(label)
        if body is not None:
            for at in places(body):
                for value in VALUES:
                    self.world.mend_quick = True
                    self.send(label, good, urlencode(query), put(body, at, value))


@pytest.mark.timeout(900)
async def test_nothing_that_is_sent_is_an_error_of_the_servers_own(
    call, jp_root_dir, make_notebook, base_url, jp_serverapp, house, kernels
):
    (jp_root_dir / "limits.ipynb").write_text(limits(make_notebook))
    document = (await call("GET", "openapi.json")).json
    token = jp_serverapp.identity_provider.token

    def attack():
        world = World(base_url, token, house.keys(), make_notebook)
        hostile = Hostile(world, document)
        import time
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if f"{method.upper()} {path}" not in LEFT_OUT:
                    t=time.time(); n=hostile.asked
                    try:
                        hostile.attack(path, method, operation)
                    except Exception as e:
                        hostile.wrong.append(f"HARNESS {method} {path} {e!r}")
                    print("DONE", method, path, hostile.asked-n, round(time.time()-t,1), flush=True)
        return hostile

    hostile = await asyncio.to_thread(attack)
    for w in hostile.wrong: print("WRONG", w)
    print("ASKED", hostile.asked)
    assert not hostile.wrong
