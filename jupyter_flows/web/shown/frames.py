"""What a frame on a page is served as: a document in a box of its own, without an origin.

A frame has its own address and its own policy. As `srcdoc` it would inherit the page's policy, and
lose its colours.
"""

from dataclasses import dataclass

from jupyter_flows.core.hiding import hide_tokens

STILL = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
"""The policy of a frame without scripts: it loads nothing, leads nowhere, and is framed by us."""

_DOCUMENT = (
    '<!doctype html>\n<html><head><meta charset="utf-8"><title>Output</title>\n<style>'
    ":root{color-scheme:light}body{margin:8px;background:#fff;color:#1b1f24;"
    "font:14px/1.4 system-ui,sans-serif}table{border-collapse:collapse}"
    "th,td{padding:.3em .6em;text-align:right}"
    "</style></head><body>\n%s\n</body></html>\n"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """`policy` is the answer's Content-Security-Policy. With a `filename` it is a download."""

    body: bytes
    content_type: str
    policy: str
    filename: str | None = None


def scripted_policy(assets: str) -> str:
    """The policy of a frame with scripts: its own, and those from `assets`, which is a source of
    CSP or empty. It may draw, and nothing else: no network, no popup, no form, no dialog.
    """
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' {assets};"
        " style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'"
    )


def html_frame(html: str, scripts: bool = False, assets: str = "") -> Frame:
    """Any HTML of an author's, as it is. `assets` is where scripts may come from beside it."""
    body = (_DOCUMENT % hide_tokens(html)).encode(errors="replace")
    policy = scripted_policy(assets) if scripts else STILL
    return Frame(body, "text/html; charset=utf-8", policy)


def frame_name(digest: str, index: int) -> str:
    """The last part of the address of an output's frame: the 64 hexadecimal digits of its piece's
    digest, and its place in the piece. Frames of a description are called "d.0", "d.1", …
    """
    return f"{digest.removeprefix('sha256:')}.{index}"
