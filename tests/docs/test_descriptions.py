"""The guide's examples of descriptions are what they say they are."""

import base64
import re
from pathlib import Path

from jupyter_flows.core.descriptions import KINDS, Unfit, Value, read_description

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
CONTENTS = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-1.7"}


def rows():
    """Of the guide's table: what each names as kinds, and its examples."""
    section = GUIDE.read_text("utf-8").split("## What the description may hold")[1]
    for line in re.findall(r"^\| .*\|$", section.split("\n## ")[0], re.MULTILINE)[2:]:
        kinds, examples, _ = line.strip("| ").split(" | ")
        yield re.findall("`([^`]+)`", kinds), re.findall("`([^`]+)`", examples)


def part(example):
    """`base64` is what the example's kind needs."""
    kind = next((kind for kind in CONTENTS if f'"{kind}"' in example), "")
    content = base64.b64encode(CONTENTS.get(kind, b"x")).decode()
    return read_description(eval(example, {"base64": content}))


def test_each_example_can_be_drawn():
    examples = [example for _, examples in rows() for example in examples]
    assert len(examples) >= 14
    for example in examples:
        parts = part(example)
        assert parts, example
        assert not any(isinstance(one, Unfit) for one in parts), (example, parts)
        assert '"json"' in example or not any(isinstance(one, Value) for one in parts), example


def test_the_table_has_every_kind():
    assert sorted(kind for kinds, _ in rows() for kind in kinds) == sorted(set(KINDS) - {"text"})
