"""What is a plain table, what has scripts, and how high a box is guessed to be."""

import pytest

from jupyter_flows.web.shown import markup

TABLE = "<table><tr><td>1</td></tr></table>"


@pytest.mark.parametrize(
    "html",
    [
        TABLE,
        TABLE.upper(),
        f"<div><style scoped>td > b {{ color: red }}</style>{TABLE}</div>",
        '<table border="1" class="dataframe" id="t"><tr style="text-align: right;"><th scope=col>',
        f"{TABLE}<p>2 rows, 1 column</p>",
        '<table><tr><td colspan="2"><a href="https://x" target="_blank">x</a><br>a &lt; b',
    ],
)
def test_a_table_that_loses_nothing_is_plain(html):
    assert markup.is_plain_table(html)


@pytest.mark.parametrize(
    "html",
    [
        "<b>bold</b>",
        "words",
        f"<style>td {{ color: red }}</style>{TABLE}",
        TABLE.replace("<td>", '<td style="background-color: red">'),
        TABLE.replace("<td>", '<td style="text-align: left; color: red">'),
        TABLE.replace("<td>", '<td bgcolor="red">'),
        f"{TABLE}<script>1</script>",
        f"{TABLE}<img src='data:image/png;base64,x'>",
        TABLE.replace("<td>", "<td onclick=x()>"),
        f"<!-- x -->{TABLE}",
        TABLE.replace("<td>", '<td title="a < <b">'),
        f"{TABLE}<details><summary>more</summary></details>",
    ],
)
def test_what_would_lose_something_is_not(html):
    assert not markup.is_plain_table(html)


@pytest.mark.parametrize(
    ("html", "height"),
    [
        ("<b>x</b>", markup.LOWEST),
        ("<tr>" * 10, 350),
        ("<tr>" * 1000, markup.HIGHEST),
        ('<div style="height:400px">', 440),
        ('<div style="line-height:400px">', markup.LOWEST),
        ('<iframe height="300">', 340),
        ('<div style="height:100%">', markup.LOWEST),
    ],
)
def test_a_box_is_as_high_as_what_it_seems_to_hold(html, height):
    assert markup.height_of(html) == height


def test_much_html_is_read_in_time_by_its_length():
    for text in (
        "<script " * 200_000,
        "<a b=" * 200_000,
        "<!" * 500_000,
        "<table " + "a=" * 500_000,
        "<" + "a" * 300_000,
        "<script src=" + " " * 500_000,
        '<table><tr><td style="' + "text-align:a " * 10_000 + '!">',
    ):
        markup.is_plain_table(text[:300_000])
        markup.has_scripts(text)
        markup.asks_for_scripts(text)
        markup.shows_without_scripts(text)
        markup.height_of(text)


@pytest.mark.parametrize("inner", ["<div>", "<a><b><i>", "<b></p>"])
def test_html_of_too_many_levels_is_found_before_it_is_cleaned(inner):
    assert markup.is_nested_too_deeply(inner * (markup.MOST_NESTED + 1))
    assert not markup.is_nested_too_deeply(inner * (markup.MOST_NESTED // 3))


def test_many_rows_and_paragraphs_that_end_by_themselves_are_no_levels():
    rows = "<tr><td>1<td><b>2</b><br>" * markup.MOST_NESTED
    assert not markup.is_nested_too_deeply(f"<table>{rows}</table><p>one<p>two")
