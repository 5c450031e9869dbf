"""How torch's tensors are saved: on storages that stay shared."""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import rebuilding_tensors as again
from jupyter_flows.client.checkpoint.errors import Refused

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
    told = tensor.__reduce_ex__(2)
    grad = tensor.grad
    if grad is None:
        return told
    return again.made, tuple(told[:3]), (grad,), None, None, again.set_grad


def reduce_typed(pickler: Pickler, storage: Any) -> Any:
    return again.typed, (_same(pickler, storage._untyped_storage), storage.dtype)


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
    memory = torch.empty(0, dtype=torch.uint8).set_(storage).numpy()
    if not storage.resizable():
        pickler.foreign.append(memory)
    return again.storage, (pickle.PickleBuffer(memory),)
