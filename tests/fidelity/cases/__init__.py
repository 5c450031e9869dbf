"""The cases, library by library."""

from tests.fidelity.cases import (
    arrays,
    classes,
    frames,
    functions,
    learning,
    notebook,
    objects,
    odd,
    pictures,
    refused,
    services,
    tables,
)

ROOMS = (
    objects,
    classes,
    functions,
    refused,
    odd,
    notebook,
    arrays,
    frames,
    tables,
    learning,
    services,
    pictures,
)
CASES = [
    case
    for room in ROOMS
    for shelf in vars(room).values()
    if type(shelf).__name__ == "Shelf"
    for case in shelf.cases
]
