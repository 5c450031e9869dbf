"""`python -m tests.chaos.skewed SECONDS COMMAND…`: `jupyter flows COMMAND` on a machine whose clock
is wrong by so much. Its kernels' clocks are right.
"""

import sys
import time

right, ahead = time.time, float(sys.argv[1])
time.time = lambda: right() + ahead

from jupyter_flows.cli.main import main  # noqa: E402 (with the wrong clock)

main(sys.argv[2:])
