"""Plotly's figures as a document that draws itself, by the script of the installed package."""

import json
from typing import Any

from jupyter_flows.core.hiding import without_tokens
from jupyter_flows.core.model import Json
from jupyter_flows.web.shown.frames import Frame, scripted_policy
from jupyter_flows.web.shown.markup import bounded

USUAL_HEIGHT = 450
"""Pixels, which is plotly's own."""

_DOCUMENT = """<!doctype html>
<html><head><meta charset="utf-8"><title>Figure</title>
<style>:root{color-scheme:light}html,body{margin:0;background:#fff;font:14px system-ui,sans-serif}
#figure{min-height:100vh}</style>
<script src="%(script)s"></script></head>
<body><div id="figure"></div>
<script type="application/json" id="data">%(data)s</script>
<script>
const figure = JSON.parse(document.getElementById("data").textContent);
Plotly.newPlot("figure", {
  data: figure.data || [], layout: figure.layout || {}, frames: figure.frames || [],
  config: { responsive: true, displaylogo: false, showSendToCloud: false }
});
</script></body></html>
"""


def plotly_frame(figure: Json, script: str, assets: str) -> Frame:
    """`script` is the address of plotly's script as seen from the frame, and `assets` where the
    policy lets it come from.
    """
    data = json.dumps(without_tokens(figure), ensure_ascii=False)
    # Nothing in the data can then end the element that it stands in.
    data = data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    body = (_DOCUMENT % {"script": script, "data": data}).encode(errors="replace")
    return Frame(body, "text/html; charset=utf-8", scripted_policy(assets))


def plotly_height(figure: Any) -> int:
    layout = figure.get("layout") if isinstance(figure, dict) else None
    height = layout.get("height") if isinstance(layout, dict) else None
    usable = isinstance(height, int | float) and not isinstance(height, bool)
    return bounded(height if usable and height else USUAL_HEIGHT)
