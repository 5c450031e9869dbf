"""`python -m tests.chaos.skewed SECONDS COMMAND…`: `jupyter flows COMMAND` on a machine whose clock
is wrong by so much. Its kernels' clocks are right.
"""

import sys
import time

right, ahead = time.time, float(sys.argv[1])  # noqa: TID251 (it is what is changed)
time.time = lambda: right() + ahead  # noqa: TID251

from jupyter_flows.cli.main import main  # noqa: E402 (with the wrong clock)

main(sys.argv[2:])
