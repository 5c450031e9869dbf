"""A plain tornado server with one template page: the peer of the approval page.

`python -m benchmarks.bare_page PORT FIELDS [gzip]`; the page has so many fields of a form, its
texts are escaped by the template as an author's would be, and it asks nobody for anything.
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
STYLE = "\n".join(f".field-{number} {{ color: #{number:06x}; }}" for number in range(120))


class BarePage(web.RequestHandler):
    def initialize(self, fields: int) -> None:
        self.fields = [(f"f{n}", f"Field <{n}>", f'What "{n}" is for') for n in range(fields)]

    def get(self) -> None:
        self.finish(PAGE.generate(title="Approval for notebook", style=STYLE, fields=self.fields))


async def serve(port: int, fields: int, *, gzip: bool) -> None:
    options = {"fields": fields}
    web.Application([("/", BarePage, options)], compress_response=gzip).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), gzip="gzip" in sys.argv[3:]))
