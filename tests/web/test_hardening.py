"""What a review found, and must not come back: votes for what was not shown, and slow forms."""

import pytest

from jupyter_flows.core import forms
from jupyter_flows.core.errors import FormInvalid
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import GateOptions

TOKEN = "A" * 80 + "." + "B" * 43


def test_unique_items_take_time_by_their_number_not_by_its_square():
    options = GateOptions(form={"properties": {"tags": {"type": "array", "uniqueItems": True}}})
    many = [n if n % 2 else str(n) for n in range(9_000)]
    forms.check(options, {"tags": many})
    with pytest.raises(FormInvalid):
        forms.check(options, {"tags": [*many, 1]})
    with pytest.raises(FormInvalid):
        forms.check(options, {"tags": [{"a": 1}, {"a": 1.0}]})
    forms.check(options, {"tags": [1, True, "1"]})


def test_a_refusal_names_a_bounded_number_of_mistakes_in_bounded_words():
    options = GateOptions(form={"properties": {"n": {"items": {"type": "integer"}}}})
    with pytest.raises(FormInvalid) as refused:
        forms.check(options, {"n": ["x" * 10_000] * 1000})
    assert len(refused.value.mistakes) == forms.MAX_MISTAKES
    assert all(len(m.message) <= forms.MAX_MESSAGE + 2 for m in refused.value.mistakes)


@pytest.mark.parametrize(
    "text",
    [
        f"http://h/approve?flow_token={TOKEN}",
        f"mailto:x?body=http%3A%2F%2Fh%2Fapprove%3Fflow_token%3D{TOKEN}",
        f"{{'resume': 'http://h/resume?flow_token={TOKEN}'}}",
        f"the token is {TOKEN}",
        f"http://h/approve?flow_token={TOKEN[:50]}\n{TOKEN[50:100]}\n{TOKEN[100:]}\nthe end",
    ],
)
def test_no_part_of_a_signature_is_left_on_the_page(text):
    shown = hide_tokens(text)
    assert "B" * 10 not in shown
    assert "flow_token=[hidden]" in shown


def test_long_texts_take_time_by_their_length_not_by_its_square():
    for text in ("a" * 2_000_000, "flow_token=a" + "\n" * 500_000, "a-" * 1_000_000):
        hide_tokens(text)


def test_ordinary_text_is_left_alone():
    text = "rows 406, mean 3.14159, sha256:" + "a" * 64 + "\nmodule.sub_module.function"
    assert hide_tokens(text) == text
