"""What pickles call to make arrays again; its names are part of the format."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from typing import Any


def axes_of(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """The axes in the order in which memory runs through them, the slowest first."""
    return tuple(sorted(range(len(shape)), key=lambda axis: (-strides[axis], axis)))


def memory(of: Any) -> Any:
    return of.obj if isinstance(of, memoryview) else of


def owned(
    memory: Any,
    dtype: Any,
    shape: Sequence[int],
    strides: Sequence[int],
    writeable: bool,
) -> Any:
    """On this very memory, as its owner where that can be."""
    numpy: Any = importlib.import_module("numpy")
    if isinstance(memory, numpy.ndarray) and memory.flags.owndata and memory.size:
        made = _turned_into(memory, dtype, shape, strides)
    else:
        made = numpy.ndarray(shape, dtype, memory, 0, strides if len(memory) else None).copy("K")
    if not writeable:
        made.flags.writeable = False
    return made


def _turned_into(memory: Any, dtype: Any, shape: Sequence[int], strides: Sequence[int]) -> Any:
    """The same array object with another type and shape, so that it goes on owning its memory."""
    numpy: Any = importlib.import_module("numpy")
    whole = numpy.ndarray(shape, dtype, memory, 0, strides)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            memory.dtype = dtype
            memory.shape = tuple(shape)
            if memory.strides != tuple(strides):
                memory.strides = tuple(strides)
    except (AttributeError, TypeError, ValueError):
        return whole
    return memory


def frozen(make: Any, args: Sequence[Any], state: Any) -> Any:
    made = make(*args)
    made.__setstate__(state)
    made.flags.writeable = False
    return made


def _flat(root: Any) -> Any:
    """All memory of an array, as bytes in their order."""
    numpy: Any = importlib.import_module("numpy")
    plain = root.view(numpy.ndarray) if type(root) is not numpy.ndarray else root
    return plain.transpose(axes_of(plain.shape, plain.strides)).reshape(-1)


def looking(
    root: Any,
    dtype: Any,
    shape: Sequence[int],
    strides: Sequence[int],
    offset: int,
    writeable: bool,
) -> Any:
    """At a part of another array's memory."""
    flat = _flat(root)
    return over(flat.view("u1") if flat.size else b"", dtype, shape, strides, offset, writeable)


def over(
    of: Any, dtype: Any, shape: Sequence[int], strides: Sequence[int], offset: int, writeable: bool
) -> Any:
    numpy: Any = importlib.import_module("numpy")
    if 0 in shape:
        made = numpy.ndarray(shape, dtype, of if len(of) else None)
    else:
        made = numpy.ndarray(shape, dtype, of, offset, strides)
    if not writeable:
        made.flags.writeable = False
    return made


def looking_at_objects(
    root: Any, shape: Sequence[int], strides: Sequence[int], start: int, writeable: bool
) -> Any:
    tricks: Any = importlib.import_module("numpy.lib.stride_tricks")
    made = tricks.as_strided(_flat(root)[start:], shape, strides)
    if not writeable:
        made.flags.writeable = False
    return made


def over_tensor(
    tensor: Any,
    dtype: Any,
    shape: Sequence[int],
    strides: Sequence[int],
    offset: int,
    writeable: bool,
) -> Any:
    return over_storage(tensor.untyped_storage(), dtype, shape, strides, offset, writeable)


def over_storage(
    storage: Any,
    dtype: Any,
    shape: Sequence[int],
    strides: Sequence[int],
    offset: int,
    writeable: bool,
) -> Any:
    torch: Any = importlib.import_module("torch")
    flat = torch.empty(0, dtype=torch.uint8).set_(storage).numpy()
    return over(flat, dtype, shape, strides, offset, writeable)


def bytes_of(root: Any) -> Any:
    """All memory of an array."""
    return _flat(root).view("u1")


def row(root: Any, dtype: Any, offset: int) -> Any:
    return looking(root, dtype, (), (), offset, True)[()]


def subclassed(kind: type, plain: Any) -> Any:
    return plain.view(kind)
