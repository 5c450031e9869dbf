"""Vega and Vega-Lite charts (Altair's) as SVG, drawn on the server, without a browser's script."""

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock

from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import Sentence, sentence

MAX_SVG = 2_000_000
"""Bytes of a picture that is drawn from lines."""

MAX_SPEC = 4_000_000
"""Characters of a chart with its data, as JSON."""

CHART_SECONDS = 10.0
"""How long one chart may take to draw."""

PAGE_SECONDS = 20.0
"""How long all charts of a page may take, those aside that were drawn before."""

MAX_KEPT = 64
"""Drawn charts that are kept in memory; each is at most MAX_SVG, and mostly some 20 kB."""

MAX_CALLS = 20
"""Places of some HTML where a chart may begin; what is none there takes time by all before it."""

MIME = re.compile(r"application/vnd\.(vegalite|vega)\.v\d+(?:\.\d+)*\+json")

_WORKER = Path(__file__).with_name("draw_vega.py")
_CALL = re.compile(r"\}\)\(\s*(?=\{)")
_MODE = re.compile(r"\s*,\s*\{[^{}]{0,2000}\"mode\"\s*:\s*\"(vega|vega-lite)\"")


class Undrawable(Exception):
    """Why a chart is not drawn: a sentence for the page."""

    def __init__(self, why: Sentence) -> None:
        super().__init__(why)
        self.why = why


@dataclass(slots=True)
class Budget:
    """The time that is left for the charts of one page, in seconds by the stopwatch `now`."""

    left: float = PAGE_SECONDS
    now: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Kept:
    """What was drawn lately, by the hash of the chart; a refusal is kept as well."""

    drawn: OrderedDict[str, str | Sentence] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, key: str) -> str | None:
        with self.lock:
            if key in self.drawn:
                self.drawn.move_to_end(key)
            return self.drawn.get(key)

    def put(self, key: str, value: str | Sentence) -> None:
        with self.lock:
            self.drawn[key] = value
            while len(self.drawn) > MAX_KEPT:
                self.drawn.popitem(last=False)


_kept = _Kept()


def chart_in_html(html: str) -> tuple[Json, bool] | None:
    """The chart that Altair's HTML draws by a script, and whether it is Vega-Lite; None for any
    other HTML.
    """
    if "vegaEmbed" not in html:
        return None
    for call in islice(_CALL.finditer(html), MAX_CALLS):
        try:
            spec, end = json.JSONDecoder().raw_decode(html, call.end())
        except (ValueError, RecursionError):
            continue
        mode = _MODE.match(html, end)
        if mode and isinstance(spec, dict):
            return spec, mode[1] == "vega-lite"
    return None


def draw(spec: Json, lite: bool, budget: Budget) -> str:
    """The chart as SVG; blocking. Raises Undrawable."""
    asked = json.dumps({"spec": spec, "lite": lite, "most": MAX_SVG})
    key = hashlib.sha256(asked.encode()).hexdigest()
    found = _kept.get(key)
    if found is None:
        _check(spec, asked)
        found = _drawn(asked, key, budget)
    if isinstance(found, Sentence):
        raise Undrawable(found)
    return found


def _check(spec: Json, asked: str) -> None:
    if importlib.util.find_spec("vl_convert") is None:
        raise Undrawable(
            sentence("This chart can't be drawn: the server lacks the extra “charts”.")
        )
    if len(asked) > MAX_SPEC:
        raise Undrawable(sentence("This chart is too large to draw here, with all its data."))
    if _loads(spec):
        raise Undrawable(
            sentence("This chart loads its data from another address, which is not done here.")
        )


def _loads(spec: Json) -> bool:
    """Whether any of the chart's data is to be loaded."""
    waiting: list[Json] = [spec]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            data = part.get("data")
            sources = data if isinstance(data, list) else [data]
            if any(isinstance(source, dict) and "url" in source for source in sources):
                return True
            waiting += [inner for key, inner in part.items() if key not in ("values", "datasets")]
    return False


def _drawn(asked: str, key: str, budget: Budget) -> str | Sentence:
    allowed = min(CHART_SECONDS, budget.left)
    if allowed <= 0:
        return _too_long()
    began = budget.now()
    try:
        found = _run(asked, allowed)
    except subprocess.TimeoutExpired:
        found = _too_long()
    budget.left -= budget.now() - began
    if allowed == CHART_SECONDS or not isinstance(found, Sentence):
        _kept.put(key, found)
    return found


def _run(asked: str, seconds: float) -> str | Sentence:
    done = subprocess.run(  # noqa: S603 (our own program; the chart is its input)
        [sys.executable, "-I", str(_WORKER)],
        input=asked.encode(),
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    svg = done.stdout.decode(errors="replace")
    if done.returncode == 0 and svg.startswith("<svg"):
        return svg
    if done.stderr.strip() == b"too large":
        return sentence("This chart is too large to show here.")
    return sentence("This chart can't be drawn: there is a mistake in it.")


def _too_long() -> Sentence:
    return sentence("This chart takes too long to draw here.")
