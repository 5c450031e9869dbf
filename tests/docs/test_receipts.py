"""What the documentation says of checking a receipt without us is run as it stands (G71)."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_flows.core import signature
from jupyter_flows.core.canonical import chained, sha256
from jupyter_flows.core.codec import encode
from jupyter_flows.core.events import Recorded, RunCreated, RunFailed, RunStarted
from jupyter_flows.core.model import Failure, RunId
from jupyter_flows.core.receipt import Signer, document, signed_bytes, written
from jupyter_flows.store.receipt_keys import ReceiptKeyFile

PAGE = Path(__file__).parents[2] / "docs" / "receipts.md"


def snippet(name):
    found = re.search(
        rf"<!-- snippet: {name} -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    )
    assert found, name
    return found[1]


def rows():
    """A log with characters beyond ASCII, a number that languages write in several ways, and what
    the shell's part could take for the signature.
    """
    trap = '"}","signature":"AAAA"}'
    first = RunCreated(
        path="Zoë 💡\u2028.ipynb", owner=trap, parameters={"x": 1e22, "signature": trap},
        snapshot=sha256(b""), steps=(), kernel_name="python3", default_timeout=3600.0,
    )  # fmt: skip
    events = (first, RunStarted(), RunFailed(error=Failure("X", trap)))
    previous = ""
    for seq, row in enumerate((Recorded(n, 1e9 + n / 7, x) for n, x in enumerate(events, 1)), 1):
        kind, body = encode(row.event)
        previous = chained(previous, seq, row.at, kind, body)
        yield seq, row.at, kind, body, previous


@pytest.fixture
def folder(tmp_path):
    """With `RUN.receipt.json` and `server.pem`, as the page calls them."""
    key = ReceiptKeyFile(tmp_path / "keys").newest()
    signer = Signer("2026-11-22T05:17:41.223Z", key.id, key.public_key)
    receipt = written(RunId("run_1"), list(rows()), signer)
    (tmp_path / "RUN.receipt.json").write_bytes(document(receipt, key.sign(signed_bytes(receipt))))
    (tmp_path / "server.pem").write_text(key.public_key)
    return tmp_path


@pytest.fixture(params=["openssl", "python"])
def check(request, folder):
    """Run the page's words in that folder: whether they end well, and what they say."""
    words = snippet(request.param)
    if request.param == "openssl" and not shutil.which("openssl"):
        pytest.skip("openssl is not installed")

    def check():
        command = ["bash", "-c", words]
        if request.param == "python":
            # isolated: nothing of this package is in reach
            command = [sys.executable, "-I", "-c", words, "RUN.receipt.json", "server.pem"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        return ended.returncode == 0, ended.stdout + ended.stderr

    return check


def test_the_page_checks_a_good_receipt(check):
    """G71"""
    good, said = check()
    assert good, said
    assert "Signature Verified Successfully" in said or "good: run_1, 3 rows" in said


@pytest.mark.parametrize(("before", "after"), [(b"1e22", b"1e23"), (b'"seq":2', b'"seq":4')])
def test_the_page_finds_a_receipt_that_was_changed(check, folder, before, after):
    """G71"""
    file = folder / "RUN.receipt.json"
    content = file.read_bytes()
    assert before in content
    file.write_bytes(content.replace(before, after))
    assert not check()[0]


def test_the_page_finds_another_key(check, folder, tmp_path):
    other = ReceiptKeyFile(tmp_path / "others").newest()
    (folder / "server.pem").write_text(other.public_key)
    assert not check()[0]


def test_the_pages_python_finds_a_changed_row_that_was_signed(folder):
    """G71: the chain, and not the signature alone."""
    key = ReceiptKeyFile(folder / "keys").newest()
    file = folder / "RUN.receipt.json"
    receipt = json.loads(file.read_text("utf-8"))["receipt"]
    receipt["log"][1]["body"] = '{"a":1}'
    data = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    file.write_text(json.dumps({"receipt": receipt, "signature": key.sign(data)}), "utf-8")
    command = [sys.executable, "-I", "-c", snippet("python"), "RUN.receipt.json", "server.pem"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.strip()) == (1, "row 2 is not what was written")


def test_the_page_names_the_key_as_we_do(folder):
    command = "openssl pkey -pubin -in server.pem -outform DER | openssl dgst -sha256"
    assert command in PAGE.read_text("utf-8")
    said = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True
    )
    key = signature.read_public((folder / "server.pem").read_text())
    assert said.stdout.split()[-1] == signature.fingerprint(key)
    assert signature.fingerprint(key).startswith(signature.key_id(key))
