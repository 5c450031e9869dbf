"""A plain tornado server with one template page: the peer of the approval page.

`python -m benchmarks.bare_page PORT BYTES [gzip]`; the page has a form of twelve fields, whose
texts are escaped by the template as an author's would be, and a style that makes up its size.
"""

import asyncio
import sys

from tornado import template, web

PAGE = template.Template(
    """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ title }}</title><style>{% raw style %}</style></head>
<body><main><h1>{{ title }}</h1>
<form method="post">
{% for name, label, hint in fields %}
<div class="field"><label for="{{ name }}">{{ label }}</label>
<p class="hint" id="{{ name }}-hint">{{ hint }}</p>
<input id="{{ name }}" aria-describedby="{{ name }}-hint" name="{{ name }}" value=""></div>
{% end %}
<button name="decision" value="approve">Approve</button>
</form></main></body></html>
"""
)
FIELDS = [(f"f{n}", f"Field <{n}>", f'What "{n}" is for') for n in range(12)]


def page(style: str) -> bytes:
    return PAGE.generate(title="Approval for notebook", style=style, fields=FIELDS)


def filler(size: int) -> str:
    """A style with which the page has at least so many bytes."""
    missing = max(0, size - len(page("")))
    return "".join(f".field-{n} {{ color: #{n:06x}; }}\n" for n in range(missing // 28 + 1))


class BarePage(web.RequestHandler):
    def initialize(self, style: str) -> None:
        self.style = style

    def get(self) -> None:
        self.finish(page(self.style))


async def serve(port: int, size: int, *, gzip: bool) -> None:
    options = {"style": filler(size)}
    web.Application([("/", BarePage, options)], compress_response=gzip).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), gzip="gzip" in sys.argv[3:]))
