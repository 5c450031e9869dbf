"""The demo that approves itself: runs the data-quality notebook and votes through the real link."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ANSWER = {"drop_incomplete": True, "note": "approved by the demo itself"}


def approve(link: str) -> None:
    """What a reviewer's program does: one POST, no account."""
    request = urllib.request.Request(
        link,
        data=json.dumps(ANSWER).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        print(f"POST on the resume link: {response.status}", json.load(response)["gate"]["status"])


def main(output: str) -> int:
    command = [sys.executable, "-m", "jupyter_flows.cli.main", "run", "--json"]
    command += [str(HERE / "data_quality.ipynb"), "--output", output]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            said = json.loads(line)
            print(json.dumps(said)[:300])
            if said["event"] == "suspended":
                approve(said["links"]["resume"])
        return running.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
