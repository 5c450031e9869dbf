"""What a kernel holds when it is saved: by a seed, with all that a save treats in its own way."""

import hashlib

SIZE = 600_000
"""Bytes of the largest array."""

RAN = []
"""What the stream of a checkpoint has run when it was loaded."""

ONCE = """
import numpy
from tests.faults import states

class Row:
    def __init__(self, key, values):
        self.key, self.values = key, values
    def __setstate__(self, state):
        self.__dict__.update(state)
        states.RAN.append(self.key)

def scaled(x):
    return x * base
"""

_MADE = """
base = {seed}
chance = numpy.random.default_rng(base)
shared = numpy.arange(20_000)
big = chance.integers(0, 255, {size}, dtype="u1")
view = big[100:{size} // 2:2]
text = chance.integers(97, 100, {size} // 5, dtype="u1").tobytes()
rows = [Row(f"k{{n}}", [n, n + base]) for n in range({size} // 1000)]
index = {{row.key: row for row in rows}}
job = (row for row in rows)
"""


def made(seed, size):
    """The cell that makes the state: shared content, arrays that are views of another, objects that
    know each other, and a name that can't be saved.
    """
    return _MADE.format(seed=seed, size=size)


def fingerprint(names):
    """Of all that the cell has made, but for what can't be saved."""
    rows, index, big = names["rows"], names["index"], names["big"]
    said = [
        names["base"],
        names["scaled"](3),
        names["text"].hex(),
        names["shared"].tobytes().hex(),
        big.tobytes().hex(),
        names["view"].tobytes().hex(),
        names["chance"].bit_generator.state,
        [(row.key, row.values) for row in rows],
        [key for key, row in index.items() if row not in rows],
        [type(row) is names["Row"] for row in rows],
        names["view"].base is big or names["view"].base is big.base,
        names["numpy"].shares_memory(names["view"], big),
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()
