"""How torch's tensors are saved: on storages that stay shared."""

from __future__ import annotations

import ctypes
import importlib
import pickle
import sys
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import rebuilding_tensors as again
from jupyter_flows.client.checkpoint.errors import Refused
from jupyter_flows.client.checkpoint.sharing import span

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler


def plan(kind: type) -> Any:
    torch: Any = sys.modules.get("torch")
    if torch is None or not isinstance(getattr(torch, "Tensor", None), type):
        return None
    if issubclass(kind, torch.Tensor):
        return reduce_tensor
    if issubclass(kind, torch.storage.TypedStorage):
        return reduce_typed
    if issubclass(kind, torch.UntypedStorage):
        return reduce_storage
    return None


def reduce_tensor(pickler: Pickler, tensor: Any) -> Any:
    del pickler
    if tensor.device.type not in {"cpu", "meta"}:
        raise Refused(f"a tensor on {tensor.device} can't be saved; tensor.cpu() can")
    if tensor.grad_fn is not None:
        raise Refused("a tensor with the history of its making can't be saved; detach() it")
    if tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None):
        raise Refused("a tensor with hooks can't be saved; remove() them")
    if tensor.is_inference():
        raise Refused("a tensor made in inference mode can't be saved; clone() it")
    told = tensor.__reduce_ex__(2)
    grad = tensor.grad
    if grad is None:
        return told
    return again.made, tuple(told[:3]), (grad,), None, None, again.set_grad


def reduce_typed(pickler: Pickler, storage: Any) -> Any:
    return again.typed, (_same(pickler, storage._untyped_storage), storage.dtype)


def _memory(storage: Any) -> Any:
    """Its bytes as an array. torch's own way would mark the storage as shared with numpy."""
    numpy: Any = importlib.import_module("numpy")
    size = storage.nbytes()
    if not size:
        return numpy.empty(0, "u1")
    return numpy.frombuffer((ctypes.c_char * size).from_address(storage.data_ptr()), "u1")


def _same(pickler: Pickler, storage: Any) -> Any:
    """One Python object for each storage."""
    return pickler.storages.setdefault(storage._cdata, storage)


def reduce_storage(pickler: Pickler, storage: Any) -> Any:
    torch: Any = sys.modules["torch"]
    known = _same(pickler, storage)
    if known is not storage:
        return again.same, (known,)
    if storage.device.type == "meta":
        return NotImplemented
    if storage.device.type != "cpu":
        raise Refused(f"a storage on {storage.device} can't be saved")
    memory = _memory(storage)
    if storage.resizable():
        pickler.memories.own(memory, storage)
        return again.storage, (pickle.PickleBuffer(memory),)
    owner = pickler.memories.owner_of(memory)
    if owner is None or owner is storage:
        pickler.memories.foreign(memory, storage)
        return again.storage, (pickle.PickleBuffer(memory),)
    start = owner.data_ptr() if isinstance(owner, torch.UntypedStorage) else span(owner)[0]
    return again.part, (owner, storage.data_ptr() - start, storage.nbytes())
