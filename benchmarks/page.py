"""The approval page: how soon its first byte comes, how many bytes it has, whom it asks."""

import contextlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from benchmarks.notebooks import PASS, Notebook, notebook
from benchmarks.numbers import flat, ms, paired_ratio, percentile, spread, times
from benchmarks.outside import Client, OutsideServer, free_port
from benchmarks.table import Row
from benchmarks.votes import FORM

OVER_BARE = 3.0
KILOBYTES = 50.0
IN_A_ROW = 40
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def measure(folder: Path, *, quick: bool) -> list[Row]:
    with ExitStack() as stack:
        server = stack.enter_context(OutsideServer(folder))
        ours = Site(server.port, *_entered(server.port, _link(server)))
        page = ours.page()
        bare = stack.enter_context(
            _bare(len(ours.page("identity").body), gzip="gzip" in page.encoding)
        )
        rounds = _rounds(ours, bare, 5 if quick else 15)
        return [
            _first_byte(rounds, page, bare.page()),
            _size("gzip offered", page),
            _size("plain", ours.page(encoding="identity")),
            *_asked(server),
        ]


# ---------------------------------------------------------------- the two sites


@dataclass(frozen=True, slots=True)
class Page:
    """As it came over the wire; `took` until the first byte was there."""

    took: float
    encoding: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Site:
    port: int
    path: str = "/"
    cookie: str = ""

    def page(self, encoding: str = "gzip, deflate, br") -> Page:
        with self.open() as wire:
            return self.ask(wire, encoding)

    @contextlib.contextmanager
    def open(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port)) as wire:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield wire

    def ask(self, wire: socket.socket, encoding: str = "gzip, deflate, br") -> Page:
        """One GET on a connection that stays open. Raises RuntimeError for a refusal."""
        lines = [f"GET {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"Accept-Encoding: {encoding}", f"Cookie: {self.cookie}"]
        asked = "\r\n".join([*lines, "", ""]).encode()
        start = time.perf_counter()
        wire.sendall(asked)
        got = wire.recv(1 << 16)
        took = time.perf_counter() - start
        return Page(took, *_rest(wire, got))


def _rest(wire: socket.socket, got: bytes) -> tuple[str, bytes]:
    """The answer's Content-Encoding and its body, which says its own length."""
    while b"\r\n\r\n" not in got:
        got += wire.recv(1 << 16)
    head, _, body = got.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    if " 200 " not in status:
        raise RuntimeError(f"no page: {status}")
    headers = Message()
    for name, _, value in (line.partition(":") for line in lines):
        headers[name] = value.strip()
    length = int(headers["Content-Length"])
    while len(body) < length:
        body += wire.recv(1 << 16)
    return headers.get("Content-Encoding", ""), body


def _link(server: OutsideServer) -> str:
    """The link to the page of a gate of a run that waits at it."""
    with closing(server.client()) as client:
        run = client.ask("POST", "/jupyter-flows/api/runs", {"notebook": _asking()})["id"]
        while not (gates := _gates(client, run)):
            time.sleep(0.05)
        url = urlsplit(gates[0]["links"]["approvalPage"])
        return f"{url.path}?{url.query}"


def _gates(client: Client, run: str) -> list[dict[str, dict[str, str]]]:
    shown = client.ask("GET", f"/jupyter-flows/api/runs/{run}")
    return shown["gates"] if shown["status"] == "suspended" else []


def _asking() -> Notebook:
    """A gate with a form of seven fields behind ten cells; it shows no evidence."""
    asked = notebook([*[PASS] * 10, PASS], {10: ["suspend"]})
    suspend = {"resume_form": {"schema": FORM}, "required_events": 2}
    asked["cells"][10]["metadata"]["flow"] = {"suspend": suspend}
    return asked


def _entered(port: int, link: str) -> tuple[str, str]:
    """The page's path and cookie."""
    with closing(HTTPConnection("127.0.0.1", port)) as http:
        http.request("GET", link)
        answer = http.getresponse()
        cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
        return urljoin(link, answer.headers["Location"]), cookie


@contextlib.contextmanager
def _bare(size: int, *, gzip: bool) -> Iterator[Site]:
    """A plain tornado page of at least this size, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare_page", str(port), str(size)]
    process = subprocess.Popen(command + ["gzip"] * gzip)
    try:
        _first(Site(port))
        yield Site(port)
    finally:
        process.terminate()
        process.wait()


def _first(site: Site) -> Page:
    end = time.perf_counter() + 30
    while True:
        try:
            return site.page()
        except OSError:
            if time.perf_counter() > end:
                raise
            time.sleep(0.02)


# ---------------------------------------------------------------- what is measured


def _rounds(ours: Site, bare: Site, count: int) -> tuple[list[list[float]], list[list[float]]]:
    """Rows of requests on one connection, the two sites in a changing order."""
    took: dict[Site, list[list[float]]] = {ours: [], bare: []}
    with ours.open() as to_ours, bare.open() as to_bare:
        wires = {ours: to_ours, bare: to_bare}
        for site, wire in wires.items():
            for _ in range(IN_A_ROW):
                site.ask(wire)
        for number in range(count):
            order = [ours, bare]
            random.Random(number).shuffle(order)
            for site in order:
                took[site].append([site.ask(wires[site]).took for _ in range(IN_A_ROW)])
    return took[ours], took[bare]


def _first_byte(rounds: tuple[list[list[float]], list[list[float]]], page: Page, bare: Page) -> Row:
    ours, theirs = rounds
    ratio = paired_ratio(ours, theirs)
    sizes = f"{len(page.body):,} and {len(bare.body):,} bytes"
    return Row(
        what=f"the approval page's first byte ({sizes})",
        ours=f"{spread(flat(ours))}, p99 {ms(percentile(flat(ours), 99))}",
        peers={"bare tornado template": spread(flat(theirs))},
        ratio=times(ratio),
        value=ratio,
        target=OVER_BARE,
        says=f"at most {OVER_BARE:g} of a bare tornado page",
    )


def _size(how: str, page: Page) -> Row:
    size = len(page.body) / 1000
    return Row(
        what=f"the approval page over the wire, {how}",
        ours=f"{size:.1f} kB ({page.encoding or 'not compressed'})",
        value=size,
        target=KILOBYTES,
        says=f"at most {KILOBYTES:g} kB",
    )


def _asked(server: OutsideServer) -> list[Row]:
    """Whom a browser asks when it shows the page."""
    if not CHROMIUM.exists():
        return []
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (only where it is used)

    link = f"http://127.0.0.1:{server.port}{_link(server)}"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
        page.goto(link, wait_until="networkidle")
        browser.close()
    others = [host for host in asked if host != f"127.0.0.1:{server.port}"]
    return [
        Row(
            what="requests of a browser to other hosts",
            ours=f"{len(others)} of {len(asked)}",
            value=float(len(others)),
            target=0.0,
            says="none",
        )
    ]
