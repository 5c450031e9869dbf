"""Arrays of numpy: their bits, their memory and who shares it."""

from tests.fidelity.case import Shelf

shelf = Shelf("numpy")

shelf.restored(
    "arrays of every type",
    """
import numpy as np
kinds = {
    code: np.array([0, 1, 2]).astype(code)
    for code in "? b B h H i I l L q Q e f d g F D G".split()
}
texts = np.array(["a", "ünïc", ""])
raw = np.array([b"a", b"bcd"])
times = np.array(["2026-01-01", "NaT"], dtype="M8[ns]")
spans = np.array([1, 2], dtype="m8[us]")
big = np.arange(5, dtype=">i4")
swapped = np.array([1.5, -0.0], dtype=">f8")
odd = np.frombuffer(bytes.fromhex("010000000000f87f" * 2), dtype="f8").copy()
""",
    """
for code, array in kinds.items():
    assert array.dtype == np.dtype(code)
    assert array.tolist() == np.array([0, 1, 2]).astype(code).tolist()
assert texts.dtype == np.dtype("U4") and texts[1] == "ünïc" and raw.dtype == np.dtype("S3")
assert times.dtype == np.dtype("M8[ns]") and str(times[0])[:10] == "2026-01-01"
assert np.isnat(times[1])
assert spans.dtype == np.dtype("m8[us]") and big.dtype.str == ">i4"
assert big.tobytes()[3:8] == b"\\0\\0\\0\\0\\1"
assert swapped.dtype.str == ">f8" and np.signbit(swapped[1])
assert odd.tobytes().hex() == "010000000000f87f" * 2
""",
)
shelf.restored(
    "large arrays, and views onto them",
    """
import numpy as np
base = np.arange(1_000_000, dtype="f8")
part = base[1000:2000:3]
back = base[::-1]
grid = base.reshape(1000, 1000)
turned = grid.T
cast = base.view("i8")
alias = base
copy = base.copy()
held = {"part": part}
column = grid[:, 5]
""",
    """
assert alias is base and held["part"] is part
for view in (part, back, grid, turned, cast, column):
    assert np.shares_memory(view, base)
assert not np.shares_memory(copy, base)
base[1003] = -5
assert part[1] == -5 and back[-1004] == -5 and grid[1, 3] == -5 and turned[3, 1] == -5
part[0] = 7.5
assert base[1000] == 7.5 and copy[1000] == 1000
cast[0] = np.array(2.5).view("i8")
assert base[0] == 2.5 and part.strides == (24,) and turned.flags.f_contiguous
grid[2, 5] = 1e9
assert column[2] == 1e9 and base[2005] == 1e9
""",
)
shelf.restored(
    "small views, and views whose base has no name",
    """
import numpy as np
left = np.arange(6)
right = left[2:4]
del left
one = np.zeros(10)
first, second = one[:6], one[4:]
del one
wide = np.broadcast_to(np.array([1, 2, 3]), (4, 3))
window = np.lib.stride_tricks.sliding_window_view(np.arange(10.0), 3)
""",
    """
assert right.tolist() == [2, 3] and np.shares_memory(first, second)
first[5] = 8
assert second[1] == 8 and first.shape == (6,) and second.shape == (6,)
assert wide.shape == (4, 3) and wide.strides[0] == 0 and not wide.flags.writeable
assert window.shape == (8, 3) and window.strides == (8, 8) and window[2].tolist() == [2, 3, 4]
""",
)
shelf.restored(
    "order, flags and odd shapes",
    """
import numpy as np
fortran = np.asfortranarray(np.arange(60_000.0).reshape(200, 300))
frozen = np.arange(20_000)
frozen.flags.writeable = False
frozen_small = np.arange(3)
frozen_small.setflags(write=False)
nothing = np.zeros((0, 5, 3), dtype="i2")
scalar_array = np.array(5.5)
scalar = np.float32(1.1)
deep = np.zeros((1,) * 20)
strided = np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1)
""",
    """
assert fortran.flags.f_contiguous and not fortran.flags.c_contiguous and fortran[3, 4] == 904
assert not frozen.flags.writeable and not frozen_small.flags.writeable and frozen[7] == 7
assert nothing.shape == (0, 5, 3) and nothing.dtype == np.int16
assert scalar_array.shape == () and type(scalar_array) is np.ndarray and scalar_array[()] == 5.5
assert type(scalar) is np.float32 and scalar == np.float32(1.1) and deep.ndim == 20
assert strided.shape == (4, 2, 3) and strided[3, 1, 2] == 23
fortran[0, 0] = 1
scalar_array[...] = 6
strided[0, 0, 0] = 9
""",
)
shelf.restored(
    "a frozen view of an array that can be written",
    """
import numpy as np
base = np.arange(50_000.0)
window = base[10:20]
window.flags.writeable = False
whole = base.view()
whole.flags.writeable = False
""",
    """
assert base.flags.writeable and not window.flags.writeable and not whole.flags.writeable
base[10] = -1
assert window[0] == -1 and whole[10] == -1
""",
)
shelf.restored(
    "structured, record and object arrays",
    """
import numpy as np
dtype = np.dtype([("name", "U5"), ("pos", "f4", (2,)), ("n", ">i2")], align=True)
rows = np.zeros(3, dtype=dtype)
rows["name"] = ["a", "b", "c"]
field = rows["n"]
field[1] = 7
records = np.rec.array([(1, "x"), (2, "y")], dtype=[("a", int), ("b", "U1")])
shared = [1]
objects = np.array([shared, None, "text", {"k": shared}], dtype=object)
loop = np.empty(1, dtype=object)
loop[0] = loop
objects_part = objects[1:]
titled = np.dtype([(("Title", "t"), "i4")], metadata={"unit": "m"})
""",
    """
assert rows.dtype == dtype and rows.dtype.isalignedstruct
assert rows["name"].tolist() == ["a", "b", "c"]
assert rows[1]["n"] == 7 and np.shares_memory(field, rows)
field[2] = 9
assert rows["n"][2] == 9 and type(records) is np.recarray and records.b[1] == "y"
assert objects[0] is shared is objects[3]["k"] and objects[1] is None and loop[0] is loop
objects_part[1] = "changed"
assert objects[2] == "changed" and titled.fields["Title"][0] == np.dtype("i4")
""",
)
shelf.restored(
    "masked arrays and matrices",
    """
import numpy as np
masked = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0], fill_value=-9)
hard = np.ma.array(np.arange(20_000), mask=np.arange(20_000) % 2, hard_mask=True)
nothing = np.ma.masked
matrix = np.matrix([[1, 2], [3, 4]])
class Tagged(np.ndarray):
    def __array_finalize__(self, obj):
        self.tag = getattr(obj, "tag", "none")
tagged = np.arange(4).view(Tagged)
tagged.tag = "mine"
""",
    """
assert masked.mask.tolist() == [False, True, False] and masked.fill_value == -9
assert masked.sum() == 4
assert hard.hardmask and hard[1] is np.ma.masked and hard.sum() == sum(range(0, 20_000, 2))
assert nothing is np.ma.masked and type(matrix) is np.matrix and (matrix * matrix)[0, 0] == 7
assert type(tagged) is Tagged and tagged.tag == "mine" and tagged[1:].tag == "mine"
masked[0] = np.ma.masked
assert masked.sum() == 3
""",
)
shelf.restored(
    "arrays in a file keep to their file, or are named",
    """
import numpy as np
made = np.memmap("data.bin", dtype="f4", mode="w+", shape=(100,))
made[:] = np.arange(100)
made.flush()
values = np.array(made)
del made
""",
    """
assert values[7] == 7 and type(values) is np.ndarray
assert np.memmap("data.bin", dtype="f4", mode="r")[99] == 99
""",
)
shelf.unsaved(
    "arrays that are files",
    {"written": "file", "part": "file"},
    """
import numpy as np
written = np.memmap("data.bin", dtype="f4", mode="w+", shape=(100,))
written[:] = 5
written.flush()
part = written[10:20]
total = float(written.sum())
""",
    "assert total == 500 and (np.fromfile('data.bin', 'f4') == 5).all()",
)
shelf.restored(
    "generators of random numbers go on",
    """
import numpy as np
np.random.seed(3)
np.random.normal()
new = np.random.default_rng(7)
new.integers(10, dtype="u4")
mt = np.random.Generator(np.random.MT19937(1))
old = np.random.RandomState(5)
old.normal()
alias, bits = new, new.bit_generator
seeds = np.random.SeedSequence(5)
seeds.spawn(2)
children = new.spawn(1)
""",
    """
tell(np.random.random())
tell(np.random.normal())
tell(new.integers(10, dtype="u4"))
tell(new.random())
tell(mt.normal())
tell((old.normal(), old.random_sample(), children[0].random(), new.spawn(1)[0].random()))
assert alias is new and seeds.n_children_spawned == 2
tell((seeds.spawn(1)[0].generate_state(2).tolist(), bits.random_raw(2).tolist(), new.random()))
""",
)
shelf.unsaved(
    "functions of numpy and of one's own",
    {"ufunc": "ufunc"},
    """
import numpy as np
from numpy import linalg
import numpy.linalg as la
add, kind = np.add, np.float64
ufunc = np.frompyfunc(lambda a, b: a + b, 2, 1)
double = np.vectorize(lambda x: x * scale)
scale = 2
poly = np.polynomial.Polynomial([1, 2, 3])
old = np.poly1d([1, 2])
finfo = np.finfo("f4")
""",
    """
assert add is np.add and kind is np.float64 and la is linalg is np.linalg
scale = 3
assert double([1, 2]).tolist() == [3, 6] and poly(2) == 17 and old(3) == 5
assert finfo.eps == np.finfo("f4").eps
""",
)
shelf.restored(
    "an array on a buffer that has a name",
    """
import numpy as np
data = bytearray(200_000)
array = np.frombuffer(data, dtype="u1")
small = bytearray(b"abcd")
letters = np.frombuffer(small, dtype="S1")
fixed = b"x" * 100_000
read = np.frombuffer(fixed, dtype="u1")
""",
    """
array[5] = 9
assert data[5] == 9 and not read.flags.writeable and read[3] == ord("x")
small[0:1] = b"z"
assert letters[0] == b"z"
""",
)
shelf.restored(
    "attributes and slots of arrays of one's own",
    """
import numpy as np
class Slotted(np.ndarray):
    __slots__ = ("tag",)
class Masked(np.ma.MaskedArray):
    pass
a = np.arange(3).view(Slotted)
m = np.ma.array([1, 2], mask=[0, 1]).view(Masked)
a.tag = m.tag = [1]
base = m.data
""",
    """
assert a.tag is m.tag and list(m.mask) == [False, True]
base[0] = 9
assert m.data[0] == 9
""",
)
