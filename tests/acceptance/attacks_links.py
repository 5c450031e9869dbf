"""Attacks with links, cookies and form tokens: stolen, altered, used in another place."""

from urllib.parse import urlsplit

from .conftest import ask, token_of
from .scene import attack

COOKIE = "jupyter_flows_link"


def _with_cookie(url, cookie, method="GET", body=None, **headers):
    return ask(method, url, body, {"Cookie": cookie, **headers})


def _cookie(scene, page):
    """The cookie of the page's reader, as a header says it."""
    found = scene.victim.cookies(page.url)
    return "; ".join(f"{one['name']}={one['value']}" for one in found if one["name"] == COOKIE)


@attack(
    "a stolen link, after the vote",
    "who finds a used link votes with it once more, the same and otherwise",
    "no second vote: 200 with what is known for the same one, 409 for another",
)
def after_use(scene):
    gate = scene.opened()
    links = gate.links("bob@example.org")
    assert ask("POST", links["resume"]).status == 201
    gate.reached("succeeded")
    before = gate.events()
    assert ask("POST", links["resume"]).status == 200
    assert ask("POST", links["cancel"]).status == 409
    assert gate.events() == before
    assert len(gate.votes) == 1


@attack(
    "a stolen link, after the gate's end",
    "the link of a gate that has timed out, and of a run that was cancelled, votes",
    "410 or 409, and nothing counts",
)
def after_the_end(scene):
    late = scene.opened({"timeout": 1})
    links = late.links("bob@example.org")
    late.reached("failed")
    stopped = scene.opened()
    dead = stopped.links("bob@example.org")
    scene.server.call("POST", f"api/runs/{stopped.run}/cancel")
    stopped.reached("cancelled")
    for purpose in ("resume", "cancel"):
        assert ask("POST", links[purpose]).status == 410
        assert ask("POST", dead[purpose]).status in {409, 410}
    assert late.votes == stopped.votes == []


@attack(
    "a stolen link that was revoked",
    "all three addresses of the link, its page by the cookie, and other spellings of its token",
    "410: a link is revoked by its id, not by its text",
)
def revoked(scene):
    links = scene.links()
    page = scene.enter(links["approvalPage"])
    cookie = _cookie(scene, page)
    assert scene.server.call("DELETE", f"api/links/{links['id']}").status == 204
    for spelled in _spellings(token_of(links["resume"])):
        again = links["resume"].partition("?")[0] + f"?flow_token={spelled}"
        assert ask("POST", again).status in {410, 404}
    assert ask("POST", links["resume"]).status == 410
    assert ask("POST", links["cancel"]).status == 410
    assert ask("GET", links["approvalPage"]).status == 410
    assert _with_cookie(page.url, cookie).status == 410


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _spellings(token):
    """The token with each of the last letters that may mean the same bytes, and padded."""
    place = LETTERS.index(token[-1])
    near = range(place - place % 4, place - place % 4 + 4)
    return [*(token[:-1] + LETTERS[at] for at in near if at != place), token + "="]


def _altered(token):
    head, mark, tail = token.rpartition(".")
    flipped = "A" if tail[0] != "A" else "B"
    return [
        "",
        "x",
        token[:-1],
        token[: len(token) // 2],
        token[1:],
        token + "A",
        head + mark + flipped + tail[1:],
        ("B" if token[0] != "B" else "C") + token[1:],
        token.swapcase(),
        "A" * 20_000,
    ]


@attack(
    "an altered link",
    "tokens cut short, lengthened, with a letter changed, of another purpose, or very long",
    "404, always in the same words",
)
def altered(scene):
    links = scene.links()
    address = links["resume"].partition("?")[0]
    wrong = [*_altered(token_of(links["resume"])), token_of(links["cancel"])]
    wrong.append(token_of(links["approvalPage"]))
    answers = [ask("POST", f"{address}?flow_token={token}") for token in wrong]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


@attack(
    "another spelling of a link",
    "the last letter of a signature has bits that say nothing: tokens that differ in them",
    "404, or the same link: one reader, one vote, revoked by the same id",
)
def spelled_otherwise(scene):
    gate = scene.opened({"required_events": 3})
    links = gate.links("bob@example.org")
    assert ask("POST", links["resume"]).status == 201
    address = links["resume"].partition("?")[0]
    for spelled in _spellings(token_of(links["resume"])):
        assert ask("POST", f"{address}?flow_token={spelled}").status in {200, 404}
    assert len(gate.votes) == 1


@attack(
    "a cookie at another gate's page",
    "the cookie that one link has set is sent to the page of another gate, to the API and to the"
    " rest of the server",
    "404 and 403; the browser itself sends it to its own page alone",
    paths=True,
)
def cookie_elsewhere(scene):
    page = scene.enter()
    cookie = _cookie(scene, page)
    assert cookie
    found = next(one for one in scene.victim.cookies(page.url) if one["name"] == COOKIE)
    assert found["path"] == urlsplit(page.url).path
    assert found["httpOnly"]
    assert found["sameSite"] == "Lax"
    other = scene.opened()
    elsewhere = page.url.replace(scene.gate.key, other.key)
    assert _with_cookie(elsewhere, cookie).status == 404
    assert _with_cookie(elsewhere, cookie, "POST").status in {403, 404}
    for path in ("api/runs", f"api/runs/{scene.gate.run}", "api/links", "api/gates"):
        assert _with_cookie(scene.address(path), cookie).status in {401, 403}
    contents = scene.address().replace("jupyter-flows/", "api/contents")
    assert _with_cookie(contents, cookie).status in {401, 403}


@attack(
    "a form token with another reader's cookie",
    "the form token of one reader's page is sent with the cookie of another, and without a cookie",
    "403 and 404: a form token is bound to the link that its page was opened by",
)
def form_token_of_another(scene):
    page = scene.enter(scene.links("eve@example.org")["approvalPage"])
    stolen = page.locator("#answer [name=form]").input_value()
    scene.victim.clear_cookies()
    page = scene.enter(scene.links("bob@example.org")["approvalPage"])
    page.evaluate(
        "stolen => { document.querySelector('#answer [name=form]').value = stolen }", stolen
    )
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("did not come from our page").wait_for()
    scene.victim.clear_cookies()
    page.goto(page.url)
    assert "42 rows" not in page.content()


@attack(
    "a token that leaks",
    "the address bar, the history, the title, the storage, the page's text and its timings are"
    " searched; the reader leaves for another site; the server's log at its most talkative",
    "the token is nowhere but in a cookie that no script can read; the other site is told no"
    " Referer",
    paths=True,
)
def leaks(scene):
    links = scene.links()
    token = token_of(links["approvalPage"])
    page = scene.enter(links["approvalPage"])
    seen = page.evaluate(
        "[location.href, document.referrer, document.title, document.cookie,"
        " JSON.stringify(history.state), JSON.stringify({...localStorage}),"
        " JSON.stringify({...sessionStorage}), document.documentElement.outerHTML,"
        " JSON.stringify(performance.getEntries())].join('\\n')"
    )
    assert token not in seen
    assert token.rpartition(".")[2] not in seen
    away = scene.attacker.foreign + scene.attacker.trap("<title>away</title>", "away")
    page.evaluate(
        "away => { const link = document.createElement('a'); link.href = away;"
        " document.body.append(link); link.click(); }",
        away,
    )
    page.wait_for_url(away)
    assert not any("referer" in map(str.lower, hit.headers) for hit in scene.attacker.visits)
    page.go_back()
    assert "flow_token" not in page.url
    scene.server.logged_none_of(*(token_of(links[name]) for name in ("approvalPage", "resume")))
