"""Draws one Vega or Vega-Lite chart: run as a program, JSON on stdin, SVG on stdout.

It is a process of its own, so that a chart that never ends can be ended. It loads nothing: neither
addresses nor files.
"""

import json
import re
import sys
from typing import Any

MAX_MEMORY = 2 << 30
"""Bytes that a chart may take, where the system can hold it to that."""

_VERSION = re.compile(r"/vega-lite/v(\d+)(?:\.(\d+))?")


def main() -> None:
    _bound_memory()
    import vl_convert  # noqa: PLC0415 (the extra `charts`)

    asked = json.load(sys.stdin)
    spec, most = asked["spec"], asked["most"]
    if asked["lite"]:
        version = _nearest(spec, vl_convert.get_vegalite_versions())
        svg = vl_convert.vegalite_to_svg(spec, vl_version=version, allowed_base_urls=[])
    else:
        svg = vl_convert.vega_to_svg(spec, allowed_base_urls=[])
    if len(svg.encode()) > most:
        sys.exit("too large")
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(svg)


def _bound_memory() -> None:
    try:
        import resource  # noqa: PLC0415 (POSIX only)
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _nearest(spec: Any, versions: list[str]) -> str | None:
    """The version that the chart was written for; else the newest of the same major."""
    found = _VERSION.search(str(spec.get("$schema", "")) if isinstance(spec, dict) else "")
    if found is None:
        return None
    if found[2] and f"{found[1]}.{found[2]}" in versions:
        return f"{found[1]}.{found[2]}"
    same = [version for version in versions if version.partition(".")[0] == found[1]]
    return max(same, key=lambda version: int(version.partition(".")[2]), default=None)


if __name__ == "__main__":
    main()
