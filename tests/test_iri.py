"""Grammars that nobody uses are let go, and what used them goes on as before."""

import subprocess
import sys

LET_GO = """
import rfc3987_syntax
from jsonschema import FormatChecker
from rfc3987_syntax import is_valid_syntax_hexdig as taken
from rfc3987_syntax.syntax_helpers import is_valid_syntax_port

from jupyter_flows.iri import let_go

for _ in range(2):
    let_go()
    left = [n for n in vars(rfc3987_syntax) if n.startswith("is_valid_syntax")]
    assert left == ["is_valid_syntax"], left

checker = FormatChecker()
assert checker.conforms("https://bücher.example/seite", "iri")
assert not checker.conforms("https://bücher.example/ seite", "iri")
assert checker.conforms("seite", "iri-reference")

assert taken("F") and not taken("G")
from rfc3987_syntax import is_valid_syntax_port as again
assert again is rfc3987_syntax.is_valid_syntax_port is not is_valid_syntax_port
assert again("80") and not again("x")
assert rfc3987_syntax.syntax_helpers.is_valid_syntax_iri("https://bücher.example/")
for module in rfc3987_syntax, rfc3987_syntax.syntax_helpers:
    assert not hasattr(module, "is_valid_syntax_nothing")
"""

PUT_OFF = """
import sys

from jupyter_flows.iri import let_go, put_off

put_off()
let_go()
from jsonschema import FormatChecker

assert "lark" not in sys.modules
assert FormatChecker().conforms("https://bücher.example/seite", "iri")
assert not FormatChecker().conforms("seite", "iri")
assert "lark" in sys.modules
"""


def run(code):
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


def test_grammars_that_jsonschema_does_not_use_are_let_go_until_asked_for():
    run(LET_GO)


def test_where_they_were_put_off_there_is_nothing_to_let_go():
    run(PUT_OFF)
