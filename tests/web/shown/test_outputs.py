"""What the page makes of cells' outputs: each kind, its bounds, and what is said of the rest."""

import base64
import json
import subprocess

import pytest

from jupyter_flows.core.hiding import HIDDEN
from jupyter_flows.engine.showing import Piece
from jupyter_flows.web.shown import assets, charts, kinds, outputs
from jupyter_flows.web.shown.outputs import evidence_blocks, evidence_frame
from jupyter_flows.web.shown.texts import MAX_TEXT

HEX = "a" * 64
TOKEN = "A" * 80 + "." + "B" * 43
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 20).decode()
GIF = base64.b64encode(b"GIF89a").decode()
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PANDAS = (
    "<div>\n<style scoped>\n  .dataframe thead th { text-align: right; }\n</style>\n"
    '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th>'
    "<th>a</th></tr></thead><tbody><tr><th>0</th><td>x &lt;b&gt;</td></tr></tbody></table></div>"
)
STYLER = '<style type="text/css">#T_1 {color: red}</style><table id="T_1"><tr><td>1</table>'
PLOTLY = {"data": [{"y": [1, 2], "type": "bar"}], "layout": {"title": {"text": "</script><b>"}}}
CHART = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.4.1.json",
    "data": {"values": [{"a": 1}, {"a": 2}]},
    "mark": "point",
    "encoding": {"x": {"field": "a", "type": "quantitative"}},
}
PLOTLY_MIME = "application/vnd.plotly.v1+json"


def data(metadata=None, **kinds):
    found = {name.replace("__", "/"): value for name, value in kinds.items()}
    return {"output_type": "display_data", "metadata": metadata or {}, "data": found}


def bundle(mime, value, text="plain", metadata=None):
    found = {mime: value, **({"text/plain": text} if text else {})}
    return {"output_type": "display_data", "metadata": metadata or {}, "data": found}


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def piece(*put_out, summary="", scripts=False):
    return Piece("ask", summary, f"sha256:{HEX}", list(put_out), scripts)


async def drawn(*put_out, **said):
    return await evidence_blocks([piece(*put_out, **said)], "key/frame/")


async def one(output, **said):
    (block,) = await drawn(output, **said)
    return block


async def framed(output, **said):
    return await evidence_frame([piece(output, **said)], f"{HEX}.0", "h/assets/")


def shapes(blocks):
    return [block.shape for block in blocks]


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m and \x1b[1;4mbold\x1b[m", "red and bold"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("10%\r50%\r100%\ndone", "100%\ndone"),
        ("a\r\nb", "a\nb"),
        ("bell\x07 nul\x00 tab\tend", "bell nul tab\tend"),
        (["a\n", "b"], "a\nb"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        (f"http://h/?flow_token={TOKEN}", f"http://h/?{HIDDEN}"),
        (f"\x1b[4mhttp://h/?flow_token=\x1b[0m{TOKEN}", f"http://h/?{HIDDEN}"),
    ],
)
async def test_what_was_printed_is_shown_without_the_terminals_codes(text, shown):
    assert (await one(stream(text))).text == shown


async def test_what_was_printed_in_a_row_is_one_output():
    blocks = await drawn(stream("a"), stream("b\n"), stream("c", "stderr"), stream("d"))
    assert [block.text for block in blocks] == ["ab\n", "c", "d"]


async def test_an_error_is_shown_with_its_traceback():
    trace = ["\x1b[31mTraceback\x1b[0m", f"http://h/?flow_token={TOKEN}"]
    failed = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": trace}
    block = await one(failed)
    assert (block.shape, block.name, block.text) == ("error", "ValueError", "no")
    assert block.stack == f"Traceback\nhttp://h/?{HIDDEN}"


# ---------------------------------------------------------------- the best kind


@pytest.mark.parametrize(
    ("mime", "value", "shape"),
    [
        ("image/svg+xml", SVG, "picture"),
        ("image/png", PNG, "picture"),
        ("image/gif", GIF, "picture"),
        ("image/png", [PNG[:8] + "\n", PNG[8:]], "picture"),
        ("text/markdown", "# Title", "prose"),
        ("text/html", PANDAS, "prose"),
        ("text/html", STYLER, "frame"),
        ("text/html", "<b>bold</b>", "frame"),
        ("application/json", {"a": [1]}, "text"),
        ("application/vnd.vegalite.v6+json", CHART, "picture"),
    ],
    ids=str,
)
async def test_each_kind_is_shown_in_its_shape(mime, value, shape):
    assert (await one(bundle(mime, value))).shape == shape


@pytest.mark.parametrize(
    ("kinds", "source"),
    [
        ({"image__png": PNG, "text__html": "<b>x</b>", "text__markdown": "x"}, "data:image/png"),
        ({"image__png": PNG, "image__svg+xml": SVG}, "data:image/svg+xml"),
        ({"text__html": "<b>x</b>", "application__json": {}}, "key/frame/"),
    ],
    ids=str,
)
async def test_of_a_bundle_the_best_is_shown(kinds, source):
    assert (await one(data(**kinds))).source.startswith(source)


async def test_a_drawing_of_lines_becomes_an_image_whose_scripts_are_dead():
    bare = '<?xml version="1.0"?><svg onload="alert(1)"><text>x</text></svg>'
    source = (await one(bundle("image/svg+xml", bare))).source
    head, _, body = source.partition(",")
    assert head == "data:image/svg+xml;base64"
    assert b'<svg xmlns="http://www.w3.org/2000/svg" onload' in base64.b64decode(body)


@pytest.mark.parametrize(
    ("metadata", "summary", "label"),
    [
        ({}, "", "Figure 1 of the notebook"),
        ({}, "Sales", "Figure 1: Sales"),
        ({"alt": "Rising"}, "Sales", "Rising"),
        ({"image/png": {"alt": "Own"}, "alt": "Other"}, "", "Own"),
        ({"image/png": {"width": 3}}, "", "Figure 1 of the notebook"),
        ({"image/png": {"alt": 3}, "alt": ["x"]}, "", "Figure 1 of the notebook"),
    ],
)
async def test_a_picture_has_words_for_those_who_do_not_see_it(metadata, summary, label):
    assert (await one(bundle("image/png", PNG, metadata=metadata), summary=summary)).label == label


async def test_a_table_of_pandas_is_cleaned_and_named():
    block = await one(bundle("text/html", PANDAS), summary="Rows")
    assert block.label == "Output 1: Rows"
    assert "<td>x &lt;b&gt;</td>" in block.html
    assert "style" not in block.html
    assert "class" not in block.html


@pytest.mark.parametrize(
    ("plain", "shown"),
    [("x**2", "x**2"), ("<IPython.core.display.Latex object>", "$x^2$"), (None, "$x^2$")],
)
async def test_of_a_formula_nothing_is_lost(plain, shown):
    assert (await one(bundle("text/latex", "$x^2$", plain))).text == shown


# ---------------------------------------------------------------- what can't be shown


@pytest.mark.parametrize(
    ("mime", "value", "said"),
    [
        (PLOTLY_MIME, PLOTLY, "scripts: true"),
        ("text/html", "<div id=x></div><script>draw()</script>", "scripts: true"),
        ("application/javascript", "alert(1)", "application/javascript"),
        ("application/vnd.x+json", {}, "application/vnd.x+json"),
        ("application/vnd.jupyter.widget-view+json", {"model_id": "x"}, "works only there"),
        ("image/png", "not base64", "broken"),
        ("image/png", GIF, "broken"),
        ("image/svg+xml", "<script>alert(1)</script>", "broken"),
        ("image/png", PNG[:16] + "A" * 4_000_000, "2000 kB"),
        ("image/svg+xml", SVG + " " * 2_100_000, "2000 kB"),
        ("text/html", "<b>" + "x" * 4_000_001, "too large"),
        ("application/vnd.vegalite.v6+json", {"data": {"url": "x.csv"}}, "another address"),
        ("application/vnd.vega.v5+json", {"data": [{"url": {"signal": "u"}}]}, "another address"),
        ("application/vnd.vegalite.v6+json", {"nonsense": 1}, "mistake"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_shown_is_its_text_and_why(mime, value, said):
    text, notice = await drawn(bundle(mime, value))
    assert (text.shape, text.text) == ("text", "plain")
    assert notice.shape == "notice"
    assert said in notice.text


async def test_what_has_no_text_either_is_said():
    blocks = await drawn(bundle("application/x-unknown", "x", None))
    assert shapes(blocks) == ["notice", "notice"]
    assert "no text" in blocks[0].text


async def test_a_figure_without_scripts_is_its_still_picture_and_why():
    still = {"application__vnd.plotly.v1+json": PLOTLY, "image__png": PNG}
    picture, notice = await drawn(data(**still))
    assert (picture.shape, notice.shape) == ("picture", "notice")


async def test_html_that_shows_something_without_its_scripts_is_shown_so():
    frame, notice = await drawn(bundle("text/html", "<p>words</p><script>more()</script>"))
    assert (frame.shape, frame.scripts, notice.shape) == ("frame", False, "notice")


# ---------------------------------------------------------------- bounds


async def test_text_is_cut_and_that_is_said():
    block = await one(stream("x" * (MAX_TEXT + 1)))
    assert (len(block.text), block.cut) == (MAX_TEXT, True)


async def test_markdown_is_cut_and_that_is_said():
    prose, notice = await drawn(bundle("text/markdown", "a line\n" * 4000))
    assert len(prose.html) < 21_000
    assert "20000" in notice.text


async def test_a_table_too_large_for_the_page_is_in_a_frame():
    rows = "<tr><td>cell</td></tr>" * 20_000
    assert (await one(bundle("text/html", f"<table>{rows}</table>"))).shape == "frame"


async def test_html_nested_too_deeply_is_left_out_and_that_is_said():
    text, notice = await drawn(bundle("text/html", "<div>" * 100_000))
    assert (text.shape, text.text) == ("text", "plain")
    assert "nested too deeply" in notice.text


async def test_a_drawing_that_never_closes_its_tag_is_broken_in_no_time():
    text, notice = await drawn(bundle("image/svg+xml", "<svg " * 300_000))
    assert (text.text, notice.shape) == ("plain", "notice")


async def test_html_that_seems_to_begin_a_chart_again_and_again_is_any_html():
    text = "vegaEmbed" + '})({"a":"' * 1_000_000
    assert [block.shape for block in await drawn(bundle("text/html", text))] == ["text", "notice"]


async def test_outputs_beyond_the_most_are_left_out_and_that_is_said():
    many = [bundle("text/plain", str(n)) for n in range(outputs.MAX_OUTPUTS + 1)]
    blocks = await drawn(*many[:-1])
    assert shapes(blocks) == ["text"] * outputs.MAX_OUTPUTS
    blocks = await drawn(*many)
    assert shapes(blocks) == ["text"] * outputs.MAX_OUTPUTS + ["notice"]
    assert str(outputs.MAX_OUTPUTS) in blocks[-1].text


async def test_a_page_holds_so_much_and_says_that_there_is_more():
    heavy = base64.b64encode(base64.b64decode(PNG) + b"0" * 1_900_000).decode()
    blocks = await drawn(*[bundle("image/png", heavy)] * 10)
    assert shapes(blocks) == ["picture"] * 4 + ["notice"]
    assert sum(len(block.source) for block in blocks) <= outputs.MAX_PAGE


# ---------------------------------------------------------------- frames


async def test_the_page_and_the_frame_agree_on_the_name():
    block = await one(bundle("text/html", STYLER))
    assert block.source == f"key/frame/{HEX}.0"
    frame = await framed(bundle("text/html", STYLER))
    assert b"#T_1 {color: red}" in frame.body
    assert "script" not in frame.policy
    assert frame.policy.startswith("sandbox; default-src 'none';")


@pytest.mark.parametrize(
    "name",
    [
        f"{HEX}.1",
        f"{'b' * 64}.0",
        f"{HEX}",
        f"{HEX}.-1",
        f"{HEX}.00000000000",
        "d.0",
        f"sha256:{HEX}.0",
        "",
    ],
)
async def test_there_is_no_frame_of_another_name(name):
    frame = await evidence_frame([piece(bundle("text/html", STYLER))], name, "")
    assert frame is None


@pytest.mark.parametrize(
    "output", [stream("x"), bundle("image/png", PNG), bundle("text/html", PANDAS)], ids=str
)
async def test_what_stands_in_the_page_has_no_frame(output):
    assert await framed(output) is None


async def test_a_figure_with_scripts_is_drawn_by_the_installed_package():
    block = await one(bundle(PLOTLY_MIME, PLOTLY), scripts=True)
    assert (block.shape, block.scripts, block.height) == ("frame", True, 460)
    frame = await framed(bundle(PLOTLY_MIME, PLOTLY), scripts=True)
    body = frame.body.decode()
    assert f'src="../../../assets/{assets.plotly_name()}"' in body
    assert body.count("</script>") == 3
    held = body.partition('id="data">')[2].partition("</script>")[0]
    assert json.loads(held) == PLOTLY
    assert "script-src 'unsafe-inline' h/assets/;" in frame.policy
    for word in ("allow-same-origin", "allow-popups", "allow-forms", "allow-top", "allow-modals"):
        assert word not in frame.policy


async def test_a_figures_data_holds_no_token():
    figure = {"data": [{"text": f'"http://h/?flow_token={TOKEN}\\"'}]}
    frame = await framed(bundle(PLOTLY_MIME, figure), scripts=True)
    assert TOKEN.encode() not in frame.body


async def test_without_the_package_that_is_said(monkeypatch):
    monkeypatch.setattr(kinds, "plotly_name", lambda: None)
    _, notice = await drawn(bundle(PLOTLY_MIME, PLOTLY), scripts=True)
    assert "charts" in notice.text


@pytest.mark.parametrize("name", ["", "plotly.min.js", "../plotly.min.js", "x"])
def test_no_other_asset_is_served(name):
    assert assets.asset(name) is None


# ---------------------------------------------------------------- charts


def altair_html(spec):
    altair = pytest.importorskip("altair")
    return altair.Chart.from_dict(spec)._repr_mimebundle_(None, None)["text/html"]


@pytest.fixture
def no_memory(monkeypatch):
    monkeypatch.setattr(charts, "_kept", charts._Kept())


async def test_altairs_own_html_is_drawn_without_its_scripts():
    block = await one(bundle("text/html", altair_html(CHART)))
    assert block.source.startswith("data:image/svg+xml;base64,")


async def test_a_chart_is_drawn_once(no_memory, monkeypatch):
    ran = []
    real = charts._run
    monkeypatch.setattr(charts, "_run", lambda *asked: ran.append(1) or real(*asked))
    for _ in range(2):
        blocks = await drawn(*[bundle("application/vnd.vegalite.v6+json", CHART)] * 2)
        assert shapes(blocks) == ["picture"] * 2
    assert ran == [1]


ENDLESS = {
    "$schema": "https://vega.github.io/schema/vega/v5.json",
    "signals": [{"name": "s", "update": "length(sequence(1e9))"}],
    "data": [{"name": "t", "transform": [{"type": "sequence", "start": 0, "stop": 1e12}]}],
}


async def test_a_chart_that_never_ends_is_ended(no_memory, monkeypatch):
    monkeypatch.setattr(charts, "CHART_SECONDS", 1.0)
    _, notice = await drawn(bundle("application/vnd.vega.v5+json", ENDLESS))
    assert "chart" in notice.text


def test_the_charts_of_a_page_share_their_time(no_memory, monkeypatch):
    seconds, clock = [], [0.0]

    def slow(_, allowed):
        seconds.append(allowed)
        clock[0] += allowed
        raise subprocess.TimeoutExpired("x", allowed)

    monkeypatch.setattr(charts, "_run", slow)
    budget = charts.Budget(left=15.0, now=lambda: clock[0])
    for n in (1, 2, 3, 1):
        with pytest.raises(charts.Undrawable, match="too long"):
            charts.draw({**CHART, "title": str(n)}, True, budget)
    assert seconds == [10.0, 5.0], "and a chart that took too long is not tried again"
