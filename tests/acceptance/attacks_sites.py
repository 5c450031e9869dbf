"""Attacks by scanners and by other sites, with and without the victim's cookie."""

import http.client
import json
import re
import urllib.error
import urllib.request
from html import unescape
from http.cookiejar import CookieJar
from urllib.parse import urljoin, urlsplit

from .conftest import LONG
from .scene import attack

ODD = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE")
PURPOSES = ("approvalPage", "resume", "cancel")
OTHER_SITES = ("foreign", "neighbour")


# ---------------------------------------------------------------- scanners


class Scanner:
    """Opens whatever it finds an address in, with its cookies, and follows redirects."""

    def __init__(self):
        self.cookies = CookieJar()
        self.seen = set()

    def ask(self, method, url):
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )
        try:
            with opener.open(urllib.request.Request(url, method=method), timeout=LONG) as answer:
                return answer.url, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.url, error.read().decode(errors="replace")

    def scan(self, url, *, deep=True):
        url = url.partition("#")[0]
        if url in self.seen:
            return
        self.seen.add(url)
        for method in ODD:
            self.ask(method, url)
        where, text = self.ask("GET", url)
        for found in re.findall(r'(?:href|src|action|formaction|data-live)="([^"]*)"', text):
            address = urljoin(where, unescape(found))
            if deep and urlsplit(address).netloc == urlsplit(url).netloc:
                self.scan(address)


@attack(
    "a scanner of links",
    "opens every link and every address on the pages behind it, follows redirects, keeps cookies,"
    " and sends HEAD, OPTIONS, PUT, PATCH, DELETE, PROPFIND and TRACE too",
    "no vote: GET and HEAD never vote, on any address, and no other method but POST is taken",
    paths=True,
)
def scans(scene):
    links = scene.links()
    before = len(scene.gate.events())
    scanner = Scanner()
    for purpose in PURPOSES:
        scanner.scan(links[purpose])
    assert "GateShown" in scene.gate.events()[before:], "it has seen the page"


@attack(
    "a scanner that runs scripts",
    "opens every link in a whole browser and waits until all is loaded and done",
    "no vote: nothing is sent before a person presses a button",
)
def loads(scene):
    links = scene.links()
    for purpose in PURPOSES:
        page = scene.victim.new_page()
        page.goto(links[purpose], wait_until="networkidle")
        assert page.get_by_role("button").count()


# ---------------------------------------------------------------- forms and requests of other sites


def posting(address, fields, target=""):
    """A page that sends such a form by itself."""
    inputs = "".join(
        f'<input type=hidden name="{name}" value="{value}">' for name, value in fields.items()
    )
    aim = f' target="{target}"' if target else ""
    return (
        f'<form id=f method=post action="{address}"{aim}>{inputs}</form>'
        "<script>document.getElementById('f').submit()</script>"
    )


def _refused(page, where):
    """What the trap has led to is the server's refusal."""
    page.wait_for_url(f"{where}*")
    assert "You have approved" not in page.content()
    assert "approved" not in json.dumps(page.evaluate("document.body.innerText"))


@attack(
    "a page that submits a form to the approval page",
    "another site, and another port of this one, send the form of the page by themselves, in the"
    " browser of a reader who has the page's cookie",
    "403: the form's own token is missing, and the browser says that it comes from elsewhere",
    paths=True,
)
def submits_to_the_page(scene):
    url = scene.enter().url
    for site in OTHER_SITES:
        for form in ({}, {"form": "guessed"}):
            fields = {"decision": "approve", "message": "pwned", **form}
            _refused(scene.lure(posting(url, fields), site), url)


@attack(
    "a page that submits a form with the token that was stolen from the reader's page",
    "as before, and the form has the right form token and digest",
    "403: the browser says that it comes from elsewhere",
)
def submits_with_the_form_token(scene):
    page = scene.enter()
    fields = {
        name: page.locator(f"#answer [name={name}]").input_value() for name in ("form", "digest")
    }
    for site in OTHER_SITES:
        _refused(scene.lure(posting(page.url, {**fields, "decision": "approve"}), site), page.url)


@attack(
    "a page that submits itself to a resume or cancel link",
    "another site, and another port of this one, send a form to the link, token and all, by"
    " themselves",
    "403: no button was pressed, as the browser says",
)
def submits_to_links(scene):
    links = scene.links()
    for site in OTHER_SITES:
        for purpose in ("resume", "cancel"):
            where = links[purpose].partition("?")[0]
            _refused(scene.lure(posting(links[purpose], {"message": "pwned"}), site), where)


TRIES = """
const tried = [];
const way = async (name, work) => {
  try { tried.push([name, String(await work())]); } catch (error) { tried.push([name, "error"]); }
};
window.done = (async () => {
  for (const address of ADDRESSES) {
    for (const type of ["application/x-www-form-urlencoded", "text/plain"]) {
      const sent = {method: "POST", credentials: "include", headers: {"Content-Type": type},
        body: "decision=approve&message=pwned&form=x"};
      await way("no-cors", async () => (await fetch(address, {...sent, mode: "no-cors"})).status);
      await way("cors", async () => (await fetch(address, {...sent, mode: "cors"})).status);
    }
    await way("json", async () => (await fetch(address, {method: "POST", credentials: "include",
      headers: {"Content-Type": "application/json", "X-Mine": "1"}, body: "{}"})).status);
    await way("beacon", () => navigator.sendBeacon(address, "message=pwned"));
    await way("reading", async () => (await fetch(address, {credentials: "include"})).text());
    await way("xhr", () => new Promise((good, bad) => {
      const xhr = new XMLHttpRequest();
      xhr.withCredentials = true;
      xhr.onload = () => good(xhr.responseText);
      xhr.onerror = bad;
      xhr.open("POST", address);
      xhr.send("message=pwned");
    }));
    await way("image", () => new Promise((good) => {
      const image = new Image();
      image.onload = () => good("drawn " + image.width);
      image.onerror = () => good("error");
      image.src = address;
    }));
    await way("script", () => new Promise((good) => {
      const script = document.createElement("script");
      script.onload = () => good("ran"); script.onerror = () => good("error");
      script.src = address; document.body.append(script);
    }));
  }
  return tried;
})();
"""


@attack(
    "requests of another site's scripts",
    "fetch with and without CORS, XMLHttpRequest, sendBeacon, images and scripts, GET and POST, to"
    " the page, to the links and to the API, with the reader's cookies",
    "no vote, and no answer can be read: the server allows no other origin, and POSTs from"
    " elsewhere are refused",
)
def scripts_ask(scene):
    links = scene.links()
    addresses = [scene.enter().url, *(links[name] for name in PURPOSES), scene.address("api/runs")]
    for site in OTHER_SITES:
        trap = f"<body><script>const ADDRESSES = {json.dumps(addresses)};{TRIES}</script>"
        tried = scene.lure(trap, site).evaluate("window.done")
        read = [(how, got) for how, got in tried if how not in {"no-cors", "beacon"}]
        assert len(read) >= 5 * len(addresses)
        assert {got for _, got in read} == {"error"}, read
        assert {got for how, got in tried if how == "no-cors"} <= {"0", "error"}


# ---------------------------------------------------------------- windows and frames


def _frame(kind, url):
    source = "data" if kind == "object" else "src"
    return f'<{kind} {source}="{url}" style="width:900px;height:900px"></{kind}>'


@attack(
    "the page in a frame",
    "another site puts the link and the page behind it into an iframe, an object and an embed",
    "nothing is drawn: `frame-ancestors 'none'`",
)
def frames(scene):
    url = scene.enter().url
    link = scene.links()["approvalPage"]
    kinds = ("iframe", "object", "embed")
    trap = "".join(_frame(kind, address) for kind in kinds for address in (link, url))
    for site in OTHER_SITES:
        page = scene.lure(trap, site)
        inner = [frame.content() for frame in page.frames if frame is not page.main_frame]
        assert len(inner) >= 2
        assert not any("Approve" in text or "42 rows" in text for text in inner), inner


@attack(
    "a click that is led astray",
    "another site lays an unseen frame of the page under the mouse, and the reader clicks",
    "no vote: there is no page in the frame to be clicked",
)
def clickjacks(scene):
    page = scene.enter()
    box = page.get_by_role("button", name="Approve").bounding_box()
    trap = (
        f'<iframe src="{page.url}" style="position:fixed;inset:0;width:100vw;height:100vh;'
        'opacity:0.01;z-index:9"></iframe><button>Win a prize</button>'
    )
    lured = scene.lure(trap)
    for _ in range(2):
        lured.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lured.wait_for_load_state("networkidle")


OPENER = """<script>
let w = null;
window.pop = () => { w = window.open(ADDRESS, "victim"); };
window.tries = () => {
  const tried = [];
  for (const what of [w => w.document.body.innerHTML, w => w.location.href, w => w.name,
                      w => w.localStorage, w => w.eval("1"), w => w.history.state,
                      w => w.document.querySelector("button").click()]) {
    try { tried.push(String(what(w))); } catch (error) { tried.push(error.name); }
  }
  w.postMessage({decision: "approve"}, "*");
  return tried;
};
</script>"""


FORM_INTO_VICTIM = """address => {
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action: address, target: "victim"});
  form.innerHTML = "<input name=decision value=approve>";
  document.body.append(form);
  form.submit();
}"""


@attack(
    "the page in a window that another site has opened",
    "the opener reads the window's document, address and storage, sends it messages, and sends a"
    " form into it",
    "it reads nothing, and its form is refused: another origin",
)
def opens(scene):
    url = scene.enter().url
    for site in OTHER_SITES:
        page = scene.lure(OPENER.replace("ADDRESS", json.dumps(url)), site)
        with page.expect_popup() as opened:
            page.evaluate("window.pop()")
        opened.value.get_by_role("button", name="Approve").wait_for()
        tried = page.evaluate("window.tries()")
        assert set(tried) <= {"SecurityError", "TypeError"}, tried
        with opened.value.expect_response(lambda got: got.request.method == "POST") as told:
            page.evaluate(FORM_INTO_VICTIM, url)
        assert told.value.status in {403, 404}


@attack(
    "a name of the attacker's that leads to the server",
    "evil.test is made to mean the server's own address (DNS rebinding), in the browser and in the"
    " Host header; links are asked for under it",
    "the server answers to its own names only, no cookie goes to the other name, and no link is"
    " ever made from a Host header",
    paths=True,
)
def rebinds(scene):
    url = scene.enter().url
    rebound = urlsplit(url)._replace(netloc=f"evil.test:{scene.server.port}").geturl()
    page = scene.victim.new_page()
    answer = page.goto(rebound)
    assert answer.status in {403, 404}
    assert "42 rows" not in page.content()
    link = urlsplit(scene.links()["approvalPage"])
    for host in ("evil.test", f"evil.test:{scene.server.port}", "localhost.evil.test"):
        server = http.client.HTTPConnection("127.0.0.1", scene.server.port)
        server.request("GET", f"{link.path}?{link.query}", headers={"Host": host})
        answer = server.getresponse()
        assert "evil" not in str(answer.headers) + answer.read().decode()
        server.close()
