"""Begins a program of Jupyter as `python -m` does, without the grammars that jsonschema builds at
import: two seconds of each of the tests' many servers. Some are begun as users begin theirs.
"""

import runpy
import sys
from pathlib import Path

from jupyter_flows.iri import put_off

if __name__ == "__main__":
    put_off()
    sys.path[0] = str(Path.cwd())
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
