"""What is different in what a gate shows: line by line where that is to be had in time."""

from jupyter_flows.engine.showing import Piece
from jupyter_flows.web.shown.changes import MOST_LINES, changes


def piece(name, *texts):
    named = [("stdout", "stderr")[n % 2] for n in range(len(texts))]
    put_out = [
        {"output_type": "stream", "name": stream, "text": text}
        for stream, text in zip(named, texts, strict=True)
    ]
    return Piece("ask", "", f"sha256:{name * 64}", put_out)


async def test_texts_are_compared_line_by_line():
    (change,) = await changes([piece("a", "one\ntwo")], [piece("b", "one\n2")], "")
    assert [(line.kind, line.text) for line in change.lines] == [
        ("@", "…"),
        (" ", "one"),
        ("-", "two"),
        ("+", "2"),
    ]


async def test_more_lines_than_are_compared_stand_side_by_side():
    """Some lines that come again and again are all it takes to compare for minutes."""
    texts = ["\n".join(str(n % 150) for n in range(start, start + 5000)) for start in range(30)]
    old, new = piece("a", *texts), piece("b", *texts[::-1])
    (change,) = await changes([old], [new], "")
    assert change.lines == ()
    assert len(change.before) == len(change.now) == 30
    assert sum(len(block.text.splitlines()) for block in change.now) > MOST_LINES
