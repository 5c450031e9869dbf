"""The doors of what a page shows in frames: who may read, and under which policy."""

import re

import pytest

from jupyter_flows.web.shown.assets import plotly_name
from jupyter_flows.web.sources import own_sources

STYLER = '<style type="text/css">#T_1 {color: red}</style><table id="T_1"><tr><td>secret</table>'
PLOTLY = {"data": [{"y": [1]}], "layout": {}}


@pytest.fixture
def put_out(engine, monkeypatch):
    """`put_out({"text/html": …})`: what every gate's cell shows from now on."""

    def put_out(*bundles):
        shown = [{"output_type": "display_data", "metadata": {}, "data": data} for data in bundles]

        async def outputs_of(_):
            return shown

        monkeypatch.setattr(engine._keeper, "outputs_of", outputs_of)

    return put_out


def frames_of(page):
    return re.findall(r'<iframe src="([^"]*)"', page.text)


def asked_as(reader, source):
    """The frame's address as a browser makes it from the page's."""
    return f"{reader.url.rpartition('/')[0]}/{source}"


@pytest.fixture
def framed(park, reader, put_out):
    """`await framed()`: a run whose page has one frame, entered; and the frame's address."""

    async def framed(suspend=None, data=None, **options):
        put_out(data or {"text/html": STYLER})
        run = await park(suspend, source="print(1)", **options)
        (source,) = frames_of(await reader.enter((await run.mint("bob"))["approvalPage"]))
        return run, asked_as(reader, source)

    return framed


async def test_a_reader_of_the_page_reads_its_frame_under_the_frames_own_policy(framed, reader):
    """G72"""
    _, url = await framed()
    frame = await reader._anyone("GET", url, headers=reader.headers)
    assert frame.status == 200
    assert "#T_1 {color: red}" in frame.text
    expected = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": (
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
            " frame-ancestors 'self'"
        ),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-DNS-Prefetch-Control": "off",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Robots-Tag": "noindex",
    }
    assert {name: frame.headers[name] for name in expected} == expected


async def test_head_has_the_headers_and_nothing_else(framed, reader):
    _, url = await framed()
    got = await reader._anyone("GET", url, headers=reader.headers)
    head = await reader._anyone("HEAD", url, headers=reader.headers)
    assert (head.status, head.text) == (200, "")
    for name in ("Content-Type", "Content-Security-Policy", "Content-Length"):
        assert head.headers[name] == got.headers[name]


async def test_the_pages_policy_names_its_own_frames_and_no_other_address(framed, reader):
    run, _ = await framed()
    policy = reader.shown.headers["Content-Security-Policy"]
    sources = re.search(r"frame-src ([^;]*)", policy)[1].split()
    key = (await run.gate())["id"]
    assert sources
    for source in sources:
        assert re.fullmatch(
            rf"[\w.:-]+/user/bob/jupyter-flows/page/{re.escape(key)}/frame/", source
        )


async def test_what_the_gate_no_longer_shows_has_no_frame(framed, reader):
    _, url = await framed()
    for name in ("b" * 64 + ".0", url.rpartition("/")[2][:-1] + "1", "d.0", "x"):
        gone = await reader._anyone(
            "GET", f"{url.rpartition('/')[0]}/{name}", headers=reader.headers
        )
        assert gone.status == 404
        assert "Load the page again" in gone.text
        assert "secret" not in gone.text
        assert "frame-ancestors 'self'" in gone.headers["Content-Security-Policy"]
        assert gone.headers["Content-Security-Policy"].startswith("sandbox;")


# ---------------------------------------------------------------- who may read


async def test_without_a_link_there_is_no_frame(framed, anyone):
    """G45"""
    _, url = await framed()
    refused = await anyone("GET", url)
    assert refused.status == 404
    assert "secret" not in refused.text


async def test_another_gates_link_opens_no_frame_of_this_one(framed, reader, park):
    """G31, G45"""
    _, url = await framed()
    other = await park(source="print(1)")
    await reader.enter((await other.mint("bob"))["approvalPage"])
    refused = await reader._anyone("GET", url, headers=reader.headers)
    assert refused.status == 404
    assert "secret" not in refused.text


async def test_a_revoked_link_reads_no_frame(framed, reader):
    """G33"""
    run, url = await framed()
    (link,) = [
        link
        for link in (await run.call("GET", f"api/links?run={run.id}")).json["links"]
        if link["approver"] == "bob"
    ]
    await run.call("DELETE", f"api/links/{link['id']}")
    refused = await reader._anyone("GET", url, headers=reader.headers)
    assert refused.status == 410
    assert "secret" not in refused.text


async def test_an_expired_link_reads_no_frame(framed, reader, clock):
    """G33"""
    _, url = await framed({"timeout": "1h"})
    clock.ahead = 4000
    refused = await reader._anyone("GET", url, headers=reader.headers)
    assert refused.status in (404, 410)
    assert "secret" not in refused.text


async def test_who_may_not_vote_reads_no_frame(park, reader, put_out, call, become):
    """G43, G45"""
    put_out({"text/html": STYLER})
    run = await park({"approvers": ["ann"]}, source="print(1)")
    key = (await run.gate())["id"]
    become("ann")
    (source,) = frames_of(await call("GET", f"page/{key}"))
    read = await call("GET", f"page/{source}")
    assert (read.status, "secret" in read.text) == (200, True)
    become("eve")
    refused = await call("GET", f"page/{source}")
    assert (refused.status, "secret" in refused.text) == (403, False)


# ---------------------------------------------------------------- scripts


async def test_without_the_opt_in_no_frame_has_a_script(framed, reader):
    _, url = await framed(data={"text/html": "<p>x</p><script>1</script>"})
    assert 'sandbox=""' in reader.shown.text
    frame = await reader._anyone("GET", url, headers=reader.headers)
    assert "script" not in frame.headers["Content-Security-Policy"]


async def test_with_the_opt_in_scripts_come_from_the_frame_and_the_assets_alone(framed, reader):
    bundle = {"application/vnd.plotly.v1+json": PLOTLY}
    _, url = await framed(data=bundle, scripts=True)
    assert 'sandbox="allow-scripts"' in reader.shown.text
    policy = (await reader._anyone("GET", url, headers=reader.headers)).headers[
        "Content-Security-Policy"
    ]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    sources = re.search(r"script-src ([^;]*)", policy)[1].split()
    assert sources[0] == "'unsafe-inline'"
    assert len(sources) > 1
    for source in sources[1:]:
        assert re.fullmatch(r"[\w.:-]+/user/bob/jupyter-flows/assets/", source)


async def test_a_figures_script_is_for_everybody_and_can_be_kept(anyone):
    for method in ("GET", "HEAD"):
        served = await anyone(method, f"/assets/{plotly_name()}")
        assert served.status == 200
        assert served.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert served.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert served.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["plotly.min.js", "plotly-0.0.min.js", "..", "x"])
async def test_no_other_file_is_an_asset(anyone, name):
    assert (await anyone("GET", f"/assets/{name}")).status == 404


# ---------------------------------------------------------------- addresses in policies


class Asked:
    def __init__(self, host, path="/a%20b/jupyter-flows/page/k"):
        self.host, self.path = host, path


@pytest.mark.parametrize(
    ("host", "sources"),
    [
        ("h.example", "h.example/a%20b/jupyter-flows/page/k/frame/ p.example/x/page/k/frame/"),
        ("H:8888", "h:8888/a%20b/jupyter-flows/page/k/frame/ p.example/x/page/k/frame/"),
        ("h; script-src *", "p.example/x/page/k/frame/"),
        ("*", "p.example/x/page/k/frame/"),
        ("*.example", "p.example/x/page/k/frame/"),
        ("h 'unsafe-inline'", "p.example/x/page/k/frame/"),
        ("h,h", "p.example/x/page/k/frame/"),
        ("h\nX-Y: z", "p.example/x/page/k/frame/"),
        ("[::1]:80", "p.example/x/page/k/frame/"),
        ("", "p.example/x/page/k/frame/"),
    ],
)
def test_no_host_writes_the_policy(host, sources):
    assert own_sources(Asked(host), "https://p.example/x/", "page/k/frame/") == sources


def test_what_no_policy_can_name_leaves_this_server():
    assert own_sources(Asked("[::1]:80"), "http://[::1]:80/x", "assets/") == "'self'"


def test_a_user_who_is_called_as_our_paths_are_widens_no_policy():
    asked = Asked("h", "/user/page/jupyter-flows/inbox")
    found = own_sources(asked, "http://h/user/page/jupyter-flows", "page/")
    assert found == "h/user/page/jupyter-flows/page/"


def test_nor_does_a_path():
    asked = Asked("h", "/a;b,c'd/jupyter-flows/page/k")
    found = own_sources(asked, "http://h/a;b,c'd/jupyter-flows", "assets/")
    assert found == "h/a%3Bb%2Cc%27d/jupyter-flows/assets/"
