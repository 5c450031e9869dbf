"""Attacks by what an author's cells put on the page: outputs, with and without scripts, and the
descriptions of gates.
"""

import json
from collections.abc import Mapping
from contextlib import contextmanager

from ..conftest import notebook  # noqa: TID252 (the tests are no installed package)
from .chromium import watched
from .corpus import CLOBBERING, LEAVING, MARKUP, PRESSED, READING, SENDING
from .gates import Gate
from .scene import attack

SCRIPT = (
    '<p id="out">waiting</p><script>const out = document.getElementById("out");'
    '(async () => {{ try {{ {} }} catch {{ }} if (out.textContent === "waiting")'
    ' out.textContent = "tried"; }})()</script>'
)
READ = 'const got = {}; if (got) out.textContent = "read " + got'
SHOWING = (
    "import json\nfrom IPython.display import HTML, SVG, Markdown, display\n"
    "for one in json.loads({}):\n    display({}(one))"
)
LONG = 20_000


def aimed(scene, corpus: Mapping[str, str]):
    """Each entry with an address of its own at the attacker's."""
    away = f"http://127.0.0.1:{scene.attacker.port}/leak"
    return [html.replace("AWAY", f"{away}/{name}") for name, html in corpus.items()]


def scripted(corpus, shape="{}"):
    return {name: SCRIPT.format(shape.format(code)) for name, code in corpus.items()}


def showing(scene, entries, *, scripts=False, kind="HTML", described=None):
    """A gate that shows these as outputs of a cell, and this as its description."""
    source = SHOWING.format(repr(json.dumps(entries)), kind)
    said = json.dumps({"description": described})
    cells = [
        (source, ["evidence"], {"scripts": scripts}),
        (f"import json\njson.loads({said!r})", [], {"id": "ask", "suspend": {}}),
        "resume",
    ]
    gate = Gate(scene.server, scene.server.started(notebook(*cells)))
    shown = gate.reached("suspended", "failed")
    assert shown["status"] == "suspended", shown["error"]
    return gate


@contextmanager
def undisturbed(scene, gate):
    """A reader opens the gate's page, all its frames are looked at, and the page stays the page."""
    page = watched(scene.victim.new_page())
    happened = []
    page.on("dialog", lambda dialog: (happened.append(dialog.message), dialog.dismiss()))
    page.on("download", lambda download: happened.append(download.url))
    page.goto(gate.links("bob@example.org")["approvalPage"])
    before = page.url, page.title(), len(scene.victim.pages), scene.victim.cookies()
    for frame in page.locator("iframe").all():
        frame.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    yield page
    page.wait_for_load_state()
    assert (page.url, page.title(), len(scene.victim.pages), scene.victim.cookies()) == before
    assert happened == []
    button = page.get_by_role("button", name="Approve", exact=True).first
    button.scroll_into_view_if_needed()
    assert button.evaluate(IS_ON_TOP), "the button can be pressed"
    assert gate.votes == []
    assert (scene.attacker.hits, scene.attacker.connections) == ([], 0)


IS_ON_TOP = """it => {
  const {x, y, width, height} = it.getBoundingClientRect();
  return document.elementFromPoint(x + width / 2, y + height / 2) === it;
}"""


def boxes(page):
    """The frames that the page draws."""
    return [frame for frame in page.frames if frame.parent_frame is page.main_frame]


@attack(
    "outputs that fetch something",
    f"{len(MARKUP)} ways of HTML, CSS and SVG to ask another server for something by themselves"
    " (pictures, fonts, styles, frames, hints, refresh, handlers), as HTML",
    "nothing is asked: the output stands in a frame without scripts, whose policy loads nothing",
)
def fetching_html(scene):
    gate = showing(scene, aimed(scene, MARKUP))
    with undisturbed(scene, gate) as page:
        assert len(boxes(page)) > len(MARKUP) - 5, "but for plain tables, which are cleaned"


@attack(
    "Markdown and SVG that fetch something",
    "the same ways within Markdown, and within SVG",
    "nothing is asked: Markdown is cleaned, SVG is drawn as a picture, where nothing runs or loads",
)
def fetching_markdown(scene):
    with undisturbed(scene, showing(scene, aimed(scene, MARKUP), kind="Markdown")):
        pass
    inner = [
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:h="http://www.w3.org/1999/xhtml">{one}</svg>'
        for one in (
            '<image href="AWAY" width="9" height="9"/>',
            '<use href="AWAY#x"/>',
            "<script>new Image().src = 'AWAY'; parent.document.title = 'taken'</script>",
            "<style>@import 'AWAY'; * { fill: url(AWAY) }</style><rect width='9' height='9'/>",
            "<foreignObject><h:iframe src='AWAY' width='9' height='9'/></foreignObject>",
        )
    ]
    svg = aimed(scene, {str(number): one for number, one in enumerate(inner)})
    with undisturbed(scene, showing(scene, svg, kind="SVG")):
        pass


@attack(
    "outputs that wait to be pressed",
    "links, pings, forms with a button called Approve, and downloads, and the reader presses each",
    "nothing happens: the frame may go nowhere, and sends no form",
)
def pressed(scene):
    with undisturbed(scene, showing(scene, aimed(scene, PRESSED))) as page:
        for box in boxes(page):
            for one in box.locator("a, button").all():
                one.click(no_wait_after=True)


@attack(
    "scripts in outputs that were not let run",
    "the same scripts as below, in a cell that has not set `scripts`",
    "none runs: the frame's sandbox and its policy both say so",
)
def not_let_run(scene):
    gate = showing(scene, aimed(scene, scripted(dict(list(SENDING.items())[:12]))))
    with undisturbed(scene, gate) as page:
        assert {box.locator("#out").inner_text() for box in boxes(page)} == {"waiting"}


def _tried(page, count):
    assert len(boxes(page)) == count
    for box in boxes(page):
        box.get_by_text("tried").wait_for(timeout=LONG)


@attack(
    "scripts that send something away",
    f"{len(SENDING)} ways: fetch, XMLHttpRequest, sendBeacon, WebSocket, EventSource, workers,"
    " pictures, fonts, modules, hints, frames, eval",
    "nothing arrives: the frame's policy has no `connect-src` and loads nothing but its own",
)
def sending(scene):
    gate = showing(scene, aimed(scene, scripted(SENDING)), scripts=True)
    with undisturbed(scene, gate) as page:
        _tried(page, len(SENDING))


@attack(
    "scripts that go somewhere, or get in the way",
    f"{len(LEAVING)} ways: the frame, the page or a new window to another address, forms, dialogs,"
    " downloads, full screen, messages to the page",
    "nothing moves: the page's `frame-src` names the frames' own addresses alone, and the sandbox"
    " allows scripts and no more",
)
def leaving(scene):
    gate = showing(scene, aimed(scene, scripted(LEAVING)), scripts=True)
    with undisturbed(scene, gate) as page:
        assert len(boxes(page)) == len(LEAVING)


@attack(
    "scripts that read",
    f"{len(READING)} ways: cookies, storage, the page around the frame, other frames, the API, the"
    " clipboard",
    "nothing is read: the frame has an origin of its own, which has nothing",
)
def reading(scene):
    gate = showing(scene, aimed(scene, scripted(READING, READ)), scripts=True)
    with undisturbed(scene, gate) as page:
        _tried(page, len(READING))


@attack(
    "markup that poses as the page",
    "Markdown and a description with the names of the page's own parts, forms and buttons for its"
    " form, styles, and boxes over the Approve button",
    "cleaned: no names, styles or forms of an author's are on the page, and the reader's vote is as"
    " it was typed",
)
def clobbering(scene):
    gate = showing(scene, [CLOBBERING], kind="Markdown", described={"markdown": CLOBBERING})
    with undisturbed(scene, gate) as page:
        assert page.get_by_role("button", name="Reject quietly").count() == 0
        assert page.locator("#answer").count() == 1
    page.get_by_label("Message to the notebook").fill("as typed")
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_text("You have approved this").wait_for()
    assert gate.reached("succeeded", "failed")["result"] == {"message": "as typed"}


@attack(
    "descriptions that do all that",
    "HTML, SVG and Markdown as the description of a gate, one and several at once",
    "as for outputs: frames without scripts, pictures, and cleaned markup",
)
def descriptions(scene):
    markup = "".join(aimed(scene, MARKUP))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{aimed(scene, {"svg": MARKUP["svg"]})[0]}</svg>'
    kinds = [{"html": markup}, {"svg": svg}, {"markdown": markup}]
    with undisturbed(scene, showing(scene, [], described={"render_all": kinds})):
        pass


@attack(
    "a script that never ends",
    "an endless loop in a frame whose cell has set `scripts`",
    "the page can be read and answered: the frame is a process of its own",
)
def endless(scene):
    gate = showing(scene, ["<script>for (;;) {}</script>"], scripts=True)
    page = watched(scene.victim.new_page())
    page.goto(gate.links("bob@example.org")["approvalPage"], wait_until="commit")
    page.get_by_role("button", name="Approve", exact=True).click(no_wait_after=True)
    gate.reached("succeeded", "failed")
    assert [vote["approver"] for vote in gate.votes] == ["bob@example.org"]
