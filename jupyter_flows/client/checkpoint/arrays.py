"""How numpy's arrays are saved: as a look at somebody's memory, so that views stay views."""

from __future__ import annotations

import array as arrays_of_python
import ctypes
import mmap
import pickle
import sys
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import added, instances
from jupyter_flows.client.checkpoint import rebuilding_arrays as again
from jupyter_flows.client.checkpoint.errors import Refused

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler

SMALL = 64 * 1024
MAPPED = "an array mapped from a file can't be saved; numpy.array(...) makes a copy"
_RAW = frozenset("biufcmMSUV")
_SHARED = (bytearray, arrays_of_python.array, ctypes.Array)
"""Python's own memory that arrays can look at, and that is saved as the object it is."""


def plan(kind: type) -> Any:
    numpy: Any = sys.modules.get("numpy")
    if not isinstance(getattr(numpy, "ndarray", None), type):
        return None
    if issubclass(kind, numpy.void):
        return reduce_void
    if not issubclass(kind, numpy.ndarray):
        return None
    own_way = ("__reduce__", "__reduce_ex__", "__setstate__")
    if all(getattr(kind, name) is getattr(numpy.ndarray, name) for name in own_way):
        return reduce
    masked: Any = getattr(sys.modules.get("numpy.ma"), "MaskedArray", None)
    if masked is None or not issubclass(kind, masked):
        return None
    return reduce if all(getattr(kind, name) is getattr(masked, name) for name in own_way) else None


def reduce(pickler: Pickler, array: Any) -> Any:
    made = _made(pickler, array)
    if type(array) is sys.modules["numpy"].ndarray:
        return made
    plain = (again.subclassed, (type(array), _Plain(made)))
    own = getattr(array, "__dict__", None)
    told = instances.filled(instances.slots(type(array), sys.modules["numpy"].ndarray), array)
    return added.to(plain, own, told) if own or told else plain


class _Plain:
    """The array that an instance of a subclass is a look at."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def __reduce__(self) -> Any:
        return self.made


def _made(pickler: Pickler, array: Any) -> Any:
    base = _base(array)
    if base is None:
        pickler.memories.own(array)
        return _owned(array.view(sys.modules["numpy"].ndarray))
    root = array
    while isinstance(base, type(root)) or _is_array(base):
        root, base = base, _base(base)
    if base is not None and isinstance(base, mmap.mmap):
        raise Refused(MAPPED)
    return _looking(array, root) if root is not array else _over(pickler, array, base)


def _base(array: Any) -> Any:
    base = array.base
    while True:
        if isinstance(base, memoryview):
            base = base.obj
        elif type(base).__name__ == "DummyArray":  # of numpy's as_strided
            base = base.base
        else:
            return base


def _is_array(thing: Any) -> bool:
    return isinstance(thing, sys.modules["numpy"].ndarray)


def _owned(array: Any) -> Any:
    dtype = array.dtype
    flags = array.flags
    ordered = flags.c_contiguous or flags.f_contiguous
    if dtype.kind not in _RAW or dtype.hasobject:
        return _with_objects(array, ordered)
    if array.nbytes < SMALL and ordered and dtype.isnative:  # numpy's own way would swap bytes
        told = sys.modules["numpy"].ndarray.__reduce__(array)
        return told if flags.writeable else (again.frozen, told)
    axes = again.axes_of(array.shape, array.strides)
    turned = array.transpose(axes)
    if not turned.flags.c_contiguous:
        array = turned = array.copy("C")
    memory = turned.reshape(-1).view("u1") if array.nbytes else b""
    return again.owned, (_Memory(memory), dtype, array.shape, array.strides, bool(flags.writeable))


class _Memory:
    """Bytes of an array, by themselves from a size on."""

    def __init__(self, memory: Any) -> None:
        self.memory = memory

    def __reduce_ex__(self, protocol: Any) -> Any:
        del protocol
        return again.memory, (pickle.PickleBuffer(self.memory),)


def _with_objects(array: Any, ordered: bool) -> Any:
    if not ordered:
        raise Refused(
            "an array of objects that lies unordered in memory; array.copy() can be saved"
        )
    told = sys.modules["numpy"].ndarray.__reduce__(array)
    return told if array.flags.writeable else (again.frozen, told)


def _address(array: Any) -> int:
    found: int = array.__array_interface__["data"][0]
    return found


def _looking(array: Any, root: Any) -> Any:
    """At the memory of the array that has it."""
    offset = _address(array) - _address(root)
    if not array.size:
        offset = 0
    if array.dtype.hasobject or array.dtype.kind not in _RAW:
        if array.dtype != root.dtype or offset % array.itemsize:
            raise Refused("a part of an array of objects can't be saved; copy() it")
        parts = (root, array.shape, array.strides, offset // array.itemsize, array.flags.writeable)
        return again.looking_at_objects, parts
    made = (root, array.dtype, array.shape, array.strides, offset, bool(array.flags.writeable))
    return again.looking, made


def _over(pickler: Pickler, array: Any, base: Any) -> Any:
    """At memory of something else than an array."""
    numpy: Any = sys.modules["numpy"]
    tensor: Any = getattr(sys.modules.get("torch"), "Tensor", ())
    writeable = bool(array.flags.writeable)
    if isinstance(base, tensor):
        offset = _address(array) - base.untyped_storage().data_ptr()
        made = (base, array.dtype, array.shape, array.strides, offset, writeable)
        return again.over_tensor, made
    if isinstance(base, _SHARED):
        offset = _address(array) - _address(numpy.frombuffer(base, "u1"))
        return again.over, (base, array.dtype, array.shape, array.strides, offset, writeable)
    if isinstance(base, bytes):
        return _owned(array)
    owner = pickler.memories.owner_of(array)
    if owner is None or owner is array:
        pickler.memories.foreign(array)
        return _owned(array)
    if _is_array(owner):
        return _looking(array, owner)
    offset = _address(array) - owner.data_ptr()
    made = (owner, array.dtype, array.shape, array.strides, offset, writeable)
    return again.over_storage, made


def reduce_void(pickler: Pickler, scalar: Any) -> Any:
    """A row of a structured array goes on being a part of it."""
    numpy: Any = sys.modules["numpy"]
    if not _is_array(scalar.base):
        return NotImplemented
    root = scalar.base
    while _is_array(_base(root)):
        root = _base(root)
    if isinstance(_base(root), mmap.mmap):
        raise Refused(MAPPED)
    if scalar.dtype.hasobject:
        raise Refused("a row of an array that holds objects can't be saved; copy() it")
    del pickler, numpy
    offset = _address(scalar) - _address(root)
    return again.row, (root, scalar.dtype, offset)
