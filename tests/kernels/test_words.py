"""What a kernel says of itself, as messages."""

import logging

from jupyter_flows.kernels.words import COMM, MAX_BYTES, QUIET_SECONDS, Words

LOG = logging.getLogger("tests.words")


def message(data, kind="comm_msg", comm=COMM):
    content = {"comm_id": comm, "data": data}
    return {"msg_type": kind, "content": content, "parent_header": {"session": "s"}}


def test_a_word_is_told_with_the_session_that_led_to_it():
    heard = []
    words = Words(LOG)
    words.on_word = lambda data, session: heard.append((data, session))
    assert words.takes(message({"a": 1}))
    assert words.takes(message({}, kind="comm_open"))
    assert not words.takes(message({"a": 1}, comm="another"))
    assert heard == [({"a": 1}, "s")]


def test_what_is_passed_over_is_logged_once_a_minute(caplog):
    now = [0.0]
    words = Words(LOG, lambda: now[0])
    words.on_word = lambda *_: None
    for _ in range(100):
        assert words.takes(message([1]))
        assert words.takes(message({"a": "x" * MAX_BYTES}))
    assert [r.getMessage() for r in caplog.records] == [
        "A kernel said something that is no object; it is passed over."
    ]
    now[0] = QUIET_SECONDS
    words.takes(message([1]))
    assert len(caplog.records) == 2
