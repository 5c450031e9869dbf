"""A description on the page of a running server, as a reader of its link meets it."""

import base64
import re
from urllib.parse import urljoin

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
RICH = {"render_all": ["Publish these?", [{"name": "ann", "n": 1}], {"png": PNG}, {"pdf": "!"}]}


async def test_the_page_draws_what_the_options_describe(park, reader):
    run = await park({"description": RICH})
    page = await reader.enter((await run.mint("bob"))["approvalPage"])
    assert page.status == 200
    assert "Publish these?" in page.text
    assert '<td>ann</td><td class="number">1</td>' in page.text
    assert f'<img src="data:image/png;base64,{PNG}"' in page.text
    assert "must be base64" in page.text
    assert "img-src data:" in page.headers["Content-Security-Policy"]


async def served(anyone, reader, name):
    return await anyone("GET", f"{reader.url}/frame/{name}", headers=reader.headers)


async def test_html_is_framed_and_files_are_links_to_save_them(park, reader, anyone):
    file = {"content": base64.b64encode(b"a,b").decode(), "filename": "räte.csv"}
    run = await park({"description": {"render_all": [{"html": "<b>two</b>"}, {"file": file}]}})
    page = await reader.enter((await run.mint("bob"))["approvalPage"])
    frame, link = (
        re.search(rf'{of}="([^"]+/frame/[^"]+)"', page.text)[1] for of in ("src", "href")
    )
    assert [urljoin(reader.url, at) for at in (frame, link)] == [
        f"{reader.url}/frame/{name}" for name in ("d.0", "d.1")
    ]
    framed = await served(anyone, reader, "d.0")
    assert "<b>two</b>" in framed.text
    assert framed.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    saved = await served(anyone, reader, "d.1")
    assert saved.text == "a,b"
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert saved.headers["Content-Disposition"] == "attachment; filename*=UTF-8''r%C3%A4te.csv"
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert (await served(anyone, reader, "d.2")).status == 404


async def test_frames_of_a_description_are_for_readers_of_the_page_alone(park, reader, anyone):
    """G45"""
    run = await park({"description": {"html": "<b>secret</b>"}})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    stranger = await anyone("GET", f"{reader.url}/frame/d.0")
    assert stranger.status == 404
    assert "secret" not in stranger.text


async def test_the_api_gives_the_description_as_it_was_given(park):
    run = await park({"description": RICH})
    assert (await run.gate())["description"] == RICH
