"""What pickles call to make tensors again; its names are part of the format."""

from __future__ import annotations

import ctypes
import importlib
from typing import Any

from jupyter_flows.client.checkpoint import rebuilding_arrays


def storage(memory: Any) -> Any:
    """On this very memory where it stands alone; a small one has its own."""
    numpy: Any = importlib.import_module("numpy")
    torch: Any = importlib.import_module("torch")
    memory = memory.obj if isinstance(memory, memoryview) else memory
    if isinstance(memory, numpy.ndarray):
        return torch.from_numpy(memory).untyped_storage()
    made = torch.UntypedStorage(len(memory))
    if len(memory):
        ctypes.memmove(made.data_ptr(), bytes(memory), len(memory))
    return made


def part(owner: Any, offset: int, size: int) -> Any:
    """A storage on a part of the memory of an array, or of another storage."""
    torch: Any = importlib.import_module("torch")
    if isinstance(owner, torch.UntypedStorage):
        memory = torch.empty(0, dtype=torch.uint8).set_(owner).numpy()
    else:
        memory = rebuilding_arrays.bytes_of(owner)
    return torch.from_numpy(memory[offset : offset + size]).untyped_storage()


def same(known: Any) -> Any:
    return known


def typed(untyped: Any, dtype: Any) -> Any:
    torch: Any = importlib.import_module("torch")
    return torch.storage.TypedStorage(wrap_storage=untyped, dtype=dtype, _internal=True)


def made(make: Any, args: Any, state: Any = None) -> Any:
    tensor = make(*args)
    if state is not None:
        tensor.__setstate__(state)
    return tensor


def set_grad(tensor: Any, state: tuple[Any]) -> None:
    tensor.grad = state[0]
