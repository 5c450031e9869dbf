"""What the variables are that are saved: sources of cells, by the size that they come to."""

MB = 10**6

NUMERIC = """
import numpy, pandas
chance = numpy.random.default_rng(7)
count = {size} // 8
prices = chance.random(count * 5 // 10)
counts = chance.integers(0, 1 << 60, count // 10)
table = pandas.DataFrame(chance.random((count * 4 // 10 // 8, 8)), columns=list("abcdefgh"))
"""
"""All of it arrays and a frame."""

BUFFERS = """
import numpy, pandas
chance = numpy.random.default_rng(7)
count = {size} // 8
prices = chance.random(count * 4 // 10)
counts = chance.integers(0, 1 << 60, count // 10)
table = pandas.DataFrame(chance.random((count * 4 // 10 // 8, 8)), columns=list("abcdefgh"))
notes = [
    {{"number": number, "text": f"{{number:09}} paid late, and wrote to us about it; " * 4}}
    for number in range({size} // 10 // 222)
]
"""
"""Nine tenths of the bytes are arrays and a frame; the rest are dicts with texts."""

OBJECTS = """
import dataclasses

class Customer:
    def __init__(self, number):
        self.number = number
        self.name = f"customer {{number:09}}"
        self.places = [number % 97, number % 89]

@dataclasses.dataclass
class Order:
    number: int
    amount: float
    customer: str
    lines: list

share = {size} // 4
customers = [Customer(number) for number in range(share // 48)]
orders = [
    Order(number, number / 7, f"order {{number:09}}", [number % 5, None])
    for number in range(share // 61)
]
answers = [
    {{"number": number, "mail": f"{{number:09}}@example.org", "score": number / 3, "known": True}}
    for number in range(share // 53)
]
words = [f"{{number:09}} is a word of its own" for number in range(share // 36)]
"""
"""Instances of the notebook's own classes, dicts, lists and strings."""


def source(kind: str, size: int) -> str:
    """`kind` names one of the above; `size` is in bytes."""
    kinds = {"numeric": NUMERIC, "buffers": BUFFERS, "objects": OBJECTS}
    return kinds[kind].format(size=size)
