"""Figures, images, graphs and symbols."""

from tests.fidelity.case import Shelf

matplotlib = Shelf("matplotlib")
plotly = Shelf("plotly")
altair = Shelf("altair")
networkx = Shelf("networkx")
pillow = Shelf("PIL")
sympy = Shelf("sympy")
openpyxl = Shelf("openpyxl")

DRAWN = """
def drawn(figure):
    import hashlib
    figure.canvas.draw()
    return hashlib.sha256(bytes(figure.canvas.buffer_rgba())).hexdigest()
"""
matplotlib.restored(
    "figures are drawn the same",
    DRAWN
    + """
import matplotlib.pyplot as plt
import numpy as np
fig, axes = plt.subplots(2, 2, figsize=(5, 4), sharex=True)
ax = axes[0, 0]
line, = ax.plot(np.arange(100), np.arange(100) ** 2, "r--", label="squares")
ax.set_title("T $x^2$")
ax.legend()
bars = axes[0, 1].bar(["a", "b"], [1, 2])
image = axes[1, 0].imshow(np.eye(10), cmap="magma")
fig.colorbar(image)
axes[1, 1].hist(np.random.default_rng(0).normal(size=100))
first = drawn(fig)
""",
    """
assert drawn(fig) == first and axes[0, 0] is ax is fig.axes[0] and line.axes is ax
assert line in ax.lines
line.set_ydata(np.zeros(100))
assert drawn(fig) != first
tell(drawn(fig))
ax.set_xlim(0, 5)
assert axes[1, 0].get_xlim() == (0, 5) and bars.patches[0].get_height() == 1
""",
)
matplotlib.restored(
    "pyplot knows its figures",
    """
import matplotlib.pyplot as plt
from matplotlib import cm, colors
figure = plt.figure(num="mine")
ax = plt.gca()
plt.plot([1, 2], label="l")
norm, palette = colors.Normalize(0, 5), plt.get_cmap("viridis")
formatter = plt.FuncFormatter(lambda x, pos: f"{x}{unit}")
unit = "m"
ax.xaxis.set_major_formatter(formatter)
""",
    """
assert plt.gcf() is figure and plt.gca() is ax and plt.fignum_exists("mine") and len(ax.lines) == 1
plt.title("new")
assert ax.get_title() == "new" and norm(2.5) == 0.5 and palette(0.5) == plt.get_cmap("viridis")(0.5)
assert formatter(3, 0) == "3m" and ax.xaxis.get_major_formatter() is formatter
plt.close(figure)
assert not plt.get_fignums()
""",
)
matplotlib.restored(
    "figures without pyplot, and settings by a replay cell",
    DRAWN
    + """
from matplotlib.figure import Figure
from matplotlib.patches import Circle
figure = Figure((2, 2))
from matplotlib.backends.backend_agg import FigureCanvasAgg
FigureCanvasAgg(figure)
ax = figure.add_subplot(projection="polar")
ax.plot([0, 1, 2])
ax.add_patch(Circle((0, 0), 1))
""",
    """
import io
pixels = io.BytesIO()
figure.savefig(pixels, format="rgba")
tell(pixels.getvalue().hex()[::97])
assert figure.axes[0] is ax and ax.name == "polar" and plt.rcParams["lines.linewidth"] == 7
""",
    replay="import matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth'] = 7",
)
plotly.restored(
    "figures of plotly",
    """
import json
import plotly.graph_objects as go
import plotly.express as px
import numpy as np
figure = go.Figure(go.Scatter(x=np.arange(20_000), y=[1.5, 2.5]), layout={"title": {"text": "T"}})
figure.update_layout(template="plotly_dark")
trace = figure.data[0]
bars = px.bar(x=["a", "b"], y=[1, 2], color=["u", "v"])
title = figure.layout.title
def shown(figure):
    return json.dumps(json.loads(figure.to_json()), sort_keys=True)
""",
    """
tell((shown(figure), shown(bars)))
assert figure.data[0] is trace and figure.layout.title.text == "T"
trace.name, title.text = "renamed", "New"
assert '"renamed"' in figure.to_json() and figure.layout.title.text == "New"
""",
)
altair.restored(
    "charts of altair",
    """
import altair as alt
import pandas as pd
data = pd.DataFrame({"a": ["x", "y"], "b": [1, 2]})
chart = alt.Chart(data).mark_bar().encode(x="a:N", y=alt.Y("b", title="B")).properties(width=100)
pick = alt.selection_point(fields=["a"], name="pick")
both = (chart.add_params(pick) | chart).resolve_scale(y="independent")
""",
    """
tell((chart.to_json(), both.to_json()))
assert chart.data is data and type(chart) is alt.Chart and chart.encoding.y.shorthand == "b"
assert chart.mark_line().to_dict()["mark"] == {"type": "line"}
""",
)
networkx.restored(
    "graphs whose nodes are objects",
    """
import networkx as nx
class City:
    def __init__(self, name):
        self.name = name
cities = [City(n) for n in "abc"]
graph = nx.DiGraph(title="roads")
graph.add_edge(cities[0], cities[1], km=5)
graph.add_edge(cities[1], cities[2], km=7)
graph.nodes[cities[0]]["capital"] = True
many = nx.MultiGraph([(1, 2), (1, 2)])
part = graph.subgraph(cities[:2])
edges = graph.edges
random = nx.gnp_random_graph(30, 0.2, seed=1)
""",
    """
assert nx.shortest_path_length(graph, cities[0], cities[2], "km") == 12
assert graph.graph["title"] == "roads"
assert graph.nodes[cities[0]] == {"capital": True} and many.number_of_edges(1, 2) == 2
assert next(iter(graph)) is cities[0] and (cities[0], cities[1]) in edges
graph[cities[0]][cities[1]]["km"] = 1
assert graph.pred[cities[1]][cities[0]]["km"] == 1 and part[cities[0]][cities[1]]["km"] == 1
graph.add_edge(cities[2], cities[0])
assert len(edges) == 3 and len(part) == 2
tell(sorted(random.edges)[:5])
""",
)
pillow.restored(
    "images",
    """
import hashlib
from PIL import Image, ImageDraw
def hash_of(image):
    return hashlib.sha256(image.tobytes()).hexdigest()
image = Image.new("RGB", (200, 100), "red")
image.putpixel((5, 5), (1, 2, 3))
image.info["dpi"] = (72, 72)
grey = image.convert("L")
palette = image.quantize(4)
Image.new("L", (3, 3)).save("x.png")
""",
    """
assert image.getpixel((5, 5)) == (1, 2, 3) and image.mode == "RGB" and image.size == (200, 100)
assert image.info["dpi"] == (72, 72)
tell(hash_of(image))
tell(hash_of(palette))
tell(palette.mode)
tell(palette.getpalette()[:6])
tell(grey.getpixel((0, 0)))
image.paste("blue", (0, 0, 3, 3))
assert image.getpixel((0, 0)) == (0, 0, 255)
""",
)
sympy.restored(
    "symbols and expressions",
    """
import sympy as sp
x, y = sp.symbols("x y", positive=True)
f = sp.Function("f")
expr = sp.integrate(sp.sin(x) ** 2, x)
same = sp.Symbol("x", positive=True)
dummy = sp.Dummy("d")
with_dummy = dummy + 1
matrix = sp.Matrix([[x, 1], [0, y]])
number = sp.lambdify(x, x**2 + 1, "math")
one, infinity = sp.S.One, sp.oo
""",
    """
assert same == x and x.is_positive and sp.simplify(sp.diff(expr, x) - sp.sin(x) ** 2) == 0
assert with_dummy - dummy == 1 and dummy in with_dummy.free_symbols and matrix.det() == x * y
assert one is sp.S.One and infinity is sp.oo and f(x).diff(x).has(f)
assert number(3) == 10
""",
)
openpyxl.restored(
    "a workbook",
    """
import openpyxl
from openpyxl.styles import Font
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "S"
sheet["A1"] = 5
sheet["A2"] = "=A1*2"
sheet["A1"].font = Font(bold=True)
cell = sheet["A1"]
""",
    """
assert book["S"] is sheet and sheet["A1"] is cell and cell.value == 5 and cell.font.bold
assert cell.parent is sheet
cell.value = 6
book.save("out.xlsx")
assert openpyxl.load_workbook("out.xlsx")["S"]["A1"].value == 6
""",
)
