"""What the documentation tells of webhooks is typed as it stands."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jupyter_flows.core.webhooks import DeliveryId, headers, secret_of
from tests.core.test_webhooks import PASSED, sent

DOCS = Path(__file__).parents[2] / "docs" / "webhooks.md"
SECRET = secret_of(b"d" * 32)


def block(language, with_):
    found = re.findall(rf"^```{language}\n(.*?)^```", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    return next(each for each in found if with_ in each)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_signature_made_by_hand_is_ours(tmp_path):
    body = '{"name":"Zoë 💡"}'.encode()
    (tmp_path / "body").write_bytes(body)
    signed = headers(DeliveryId("msg_1"), body, [SECRET], 1_800_000_000.0)
    made = subprocess.run(
        ["bash", "-e", "-c", block("bash", "openssl dgst")],
        env={**os.environ, "SECRET": SECRET, "id": "msg_1", "at": "1800000000"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.strip() == signed["webhook-signature"]


def test_the_message_that_is_shown_has_what_messages_have():
    shown, real = json.loads(block("json", '"type"')), sent(*PASSED)
    assert shown.keys() == real.keys()
    assert shown["data"]["run"].keys() == real["data"]["run"].keys()
