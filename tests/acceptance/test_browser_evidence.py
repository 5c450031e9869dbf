"""What a gate's cells put out, as an approver sees it in a real browser."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from .chromium import needs_chromium

pytestmark = needs_chromium

TABLES = """
import pandas as pd
from IPython.display import HTML, SVG, Markdown, display
sales = pd.DataFrame({"region": ["north", "south <b>"], "sold": [1200, 87]})
display(sales)
display(sales.style.map(lambda v: "background-color: rgb(255, 0, 0)", subset=["sold"]))
display(Markdown("# Check\\n\\n- **north** is up\\n\\n| a | b |\\n|---|--:|\\n| 1 | 2 |"))
display(SVG('<svg width="120" height="40"><circle cx="20" cy="20" r="15" fill="teal"/></svg>'))
"""

FIGURES = """
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import io
from IPython.display import Image
plt.figure(figsize=(5, 2.5)); plt.plot([1, 3, 2]); plt.title("sold")
drawn = io.BytesIO(); plt.savefig(drawn, format="png")
display(Image(drawn.getvalue(), format="png"), metadata={"alt": "Sales by month, rising"})
import altair as alt
display(alt.Chart(sales).mark_bar().encode(x="region", y="sold"))
"""

SCRIPTED = """
import plotly.graph_objects as go
import plotly.io as pio
figure = go.Figure(go.Bar(x=["north", "south"], y=[1200, 87]), {"title": "Sold </script>"})
display({"application/vnd.plotly.v1+json": figure.to_plotly_json(), "text/plain": "Figure"},
        raw=True)
"""

ESCAPING = """
display(HTML('''<meta http-equiv="refresh" content="0; url=/jupyter-flows/api/runs?left">
<h3 style="color: rgb(0, 0, 255)">Boxed</h3><img src="%(elsewhere)s/leak.png">
<form action="/jupyter-flows/api/runs"><button>Approve</button></form>
<script>document.body.textContent = "ran"</script>'''))
display(Markdown("![remote](%(elsewhere)s/leak.png)"))
display(alt.Chart("%(elsewhere)s/leak.csv").mark_bar().encode(x="a:Q"))
"""

ROGUE = """
display(HTML('''<p id="out">quiet</p><script>
const out = document.getElementById("out");
fetch("/jupyter-flows/api/runs?left").then(() => out.append(" fetched"), () => {});
try { top.document.title = "taken" } catch { out.append(" walled") }
try { document.cookie } catch { out.append(" unknown") }
try { localStorage.length } catch { out.append(" bare") }
if (!window.open("/jupyter-flows/api/runs?left")) out.append(" alone");
</script>'''))
"""

LEAVING = """
display(HTML('<script>location.href = "/jupyter-flows/api/runs?left"</script>'))
"""

FAILED = "1 / 0"

REACHED = """
import jupyter_flows as flows
print("\\x1b[31m42 rows\\x1b[0m")
{**flows.get_resume_urls("bob@example.org"), "description": "Publish?"}
"""


class Elsewhere:
    """Another server, that must never be asked for anything."""

    def __init__(self):
        self.asked = asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_error(404)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def elsewhere():
    made = Elsewhere()
    serving = threading.Thread(target=made.server.serve_forever)
    serving.start()
    yield made
    made.server.shutdown()
    serving.join()
    made.server.server_close()


@pytest.fixture
def page(page):
    page.answered = []
    page.on("response", lambda answer: page.answered.append(answer.url))
    return page


@pytest.fixture
def link(server, make_notebook, elsewhere):
    for name in ("pandas", "matplotlib", "altair", "plotly", "vl_convert"):
        pytest.importorskip(name)
    run = server.started(
        make_notebook(
            (TABLES, ["evidence"]),
            (FIGURES, ["evidence"], {"summary": "Figures"}),
            (SCRIPTED, ["evidence"], {"summary": "Scripted", "scripts": True}),
            (SCRIPTED, ["evidence"], {"summary": "Not scripted"}),
            (ESCAPING % {"elsewhere": elsewhere.address}, ["evidence"], {"summary": "Escaping"}),
            (ROGUE, ["evidence"], {"summary": "Rogue", "scripts": True}),
            (LEAVING, ["evidence"], {"summary": "Leaving", "scripts": True}),
            (FAILED, ["evidence", "raises-exception"]),
            (REACHED, ["suspend"]),
        )
    )
    shown = server.reached(run, "suspended", "failed")
    assert shown["status"] == "suspended", shown["error"]
    return shown["steps"][-1]["result"]["approvalPage"]


def framed(page, title):
    frame = page.locator(f'iframe[title="{title}"]')
    frame.scroll_into_view_if_needed()
    return frame.content_frame


def test_an_approver_sees_every_kind_of_evidence_and_none_of_it_gets_out(
    server, link, page, elsewhere
):
    """G72"""
    page.goto(server.here(link))
    table = page.get_by_role("group", name="Output 1 of the notebook")
    assert table.get_by_role("columnheader", name="region").is_visible()
    assert table.get_by_role("cell", name="south <b>").is_visible()

    styled = framed(page, "Output 2 of the notebook")
    red = styled.get_by_role("cell", name="1200")
    red.wait_for()
    assert red.evaluate("cell => getComputedStyle(cell).backgroundColor") == "rgb(255, 0, 0)"

    assert page.get_by_role("heading", name="Check", level=3).is_visible()
    assert page.get_by_role("heading", level=1).count() == 1
    for name in ("Figure 1 of the notebook", "Sales by month, rising", "Figure 3: Figures"):
        picture = page.get_by_role("img", name=name)
        assert picture.evaluate("async image => { await image.decode(); return image.width }") > 50

    drawn = framed(page, "Output 7: Scripted")
    drawn.locator(".main-svg").first.wait_for()
    assert drawn.get_by_text("Sold </script>").is_visible()
    assert page.get_by_text("This figure draws itself by a script").count() == 1

    boxed = framed(page, "Output 9: Escaping")
    heading = boxed.get_by_role("heading", name="Boxed")
    heading.wait_for()
    assert heading.evaluate("it => getComputedStyle(it).color") == "rgb(0, 0, 255)"

    assert page.get_by_text("Pictures from other addresses are not loaded").is_visible()
    assert page.get_by_text("loads its data from another address").is_visible()

    out = framed(page, "Output 12: Rogue").locator("#out")
    out.wait_for()
    assert out.inner_text() == "quiet walled unknown bare alone"
    framed(page, "Output 13: Leaving")
    page.get_by_text("Traceback", exact=True).click()
    assert page.get_by_text("ZeroDivisionError").first.is_visible()
    assert page.get_by_text("42 rows", exact=True).is_visible()

    assert elsewhere.asked == []
    assert {urlsplit(url).netloc for url in page.answered} == {urlsplit(server.address).netloc}
    assert not [url for url in page.answered if "left" in url]
    blocked = ("sandboxed", "Content Security Policy", "violates the document's")
    assert [line for line in page.problems if not any(word in line for word in blocked)] == []
