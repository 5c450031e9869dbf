"""A description on the page of a running server, as a reader of its link meets it."""

import base64

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


async def test_the_api_gives_the_description_as_it_was_given(park):
    run = await park({"description": RICH})
    assert (await run.gate())["description"] == RICH
