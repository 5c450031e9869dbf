"""Frames of polars, tables of arrow, and xarray."""

from tests.fidelity.case import Shelf

polars = Shelf("polars")
arrow = Shelf("pyarrow")
xarray = Shelf("xarray")

polars.restored(
    "frames and series of polars",
    """
import polars as pl
from datetime import date, datetime, timedelta
df = pl.DataFrame(
    {
        "i": [1, None, 3],
        "s": ["a", None, "ünï"],
        "c": pl.Series(["x", "y", "x"], dtype=pl.Categorical),
        "e": pl.Series(["lo", "hi", None], dtype=pl.Enum(["lo", "hi"])),
        "l": [[1, 2], [], None],
        "d": [date(2026, 1, 1), None, date(1, 1, 1)],
        "t": pl.Series([datetime(2026, 1, 1), None, None], dtype=pl.Datetime("ns", "UTC")),
        "st": [{"a": 1, "b": "x"}, {"a": None, "b": "y"}, None],
        "b": [b"a", None, b""],
        "f": [float("nan"), None, -0.0],
    }
)
small = df["i"].cast(pl.Int8).alias("small")
alias = df
schema = df.schema
""",
    """
assert alias is df and df.schema == schema and df["c"].dtype == pl.Categorical
assert df["i"].to_list() == [1, None, 3] and df["s"].null_count() == 1
assert df["e"].dtype == pl.Enum(["lo", "hi"])
assert df["l"].to_list() == [[1, 2], [], None] and df["t"].dtype == pl.Datetime("ns", "UTC")
assert df["st"].to_list()[1] == {"a": None, "b": "y"} and small.dtype == pl.Int8
assert small.name == "small"
assert df["f"].is_nan().to_list() == [True, None, False] and str(df["f"][2]) == "-0.0"
assert df["d"][2] == date(1, 1, 1)
assert (df["c"] == "x").to_list() == [True, False, True] and df["b"].to_list() == [b"a", None, b""]
df.insert_column(0, pl.Series("n", [7, 8, 9]))
assert alias.columns[0] == "n"
""",
)
polars.restored(
    "large frames of polars, slices and chunks",
    """
import polars as pl
n = 100_000
df = pl.DataFrame({"a": range(n), "s": [f"row {k}" for k in range(n)]})
part = df.slice(10, 1000)
chunked = pl.concat([df, df], rechunk=False)
sorted_ = df["a"].set_sorted()
both = {"x": df, "y": df}
empty = pl.DataFrame(schema={"a": pl.Int32})
""",
    """
assert df.height == 100_000 and df["s"][99_999] == "row 99999"
assert part["a"].to_list() == list(range(10, 1010))
assert chunked.height == 200_000 and chunked["a"].sum() == 2 * sum(range(100_000))
assert both["x"] is both["y"] is df and sorted_.flags["SORTED_ASC"]
assert empty.schema == {"a": pl.Int32}
tell(df.hash_rows(seed=1).sum())
""",
)
polars.restored(
    "lazy frames and expressions",
    """
import polars as pl
df = pl.DataFrame({"a": [3, 1, 2]})
expr = (pl.col("a") * 2).alias("b")
lazy = df.lazy().with_columns(expr).filter(pl.col("b") > 2).sort("a")
""",
    """
assert lazy.collect().to_dict(as_series=False) == {"a": [2, 3], "b": [4, 6]}
assert df.select(expr)["b"].to_list() == [6, 2, 4]
""",
)
polars.restored(
    "lazy frames with functions of the notebook",
    """
import polars as pl
factor = 10
def times(x: int) -> int:
    return x * factor
lazy = pl.LazyFrame({"a": [1, 2]}).with_columns(
    pl.col("a").map_elements(times, return_dtype=pl.Int64).alias("b")
)
""",
    """
assert lazy.collect()["b"].to_list() == [10, 20]
""",
)
polars.restored(
    "groups of polars, and selectors",
    """
import polars as pl
import polars.selectors as cs
df = pl.DataFrame({"k": ["a", "b", "a"], "v": [1, 2, 3]})
groups = df.group_by("k", maintain_order=True)
numbers = cs.numeric()
kinds = [pl.Int8, pl.List(pl.String), pl.Decimal(10, 2), pl.Datetime("ms")]
""",
    """
assert groups.agg(pl.col("v").sum())["v"].to_list() == [4, 2]
assert df.select(numbers).columns == ["v"]
assert kinds == [pl.Int8, pl.List(pl.String), pl.Decimal(10, 2), pl.Datetime("ms")]
""",
)
polars.restored(
    "counts of polars",
    """
import polars as pl
counted = pl.Series("o", [1, 2]).value_counts()
config = {"strict": True}
""",
    """
assert counted.height == 2
""",
)
polars.unsaved(
    "a column of Python's objects",
    {"objects": ""},
    """
import polars as pl
class Thing:
    pass
thing = Thing()
objects = pl.Series("o", [thing, None], dtype=pl.Object)
other = pl.Series([1])
""",
    "assert other.to_list() == [1] and type(thing) is Thing",
)
arrow.restored(
    "tables of arrow, with metadata",
    """
import pyarrow as pa
schema = pa.schema(
    [pa.field("i", pa.int32(), nullable=False, metadata={"unit": "m"}), ("s", pa.large_string())],
    metadata={"source": "x"},
)
table = pa.table({"i": list(range(50_000)), "s": [f"r{k}" for k in range(50_000)]}, schema=schema)
part = table.slice(100, 5)
alias = table
chunked = pa.chunked_array([[1, 2], [None, 4]])
words = pa.array(["a", "b", "a", None]).dictionary_encode()
nested = pa.array([{"a": [1, 2]}, None])
batch = pa.record_batch({"x": [1.5]})
""",
    """
table.validate(full=True)
assert alias is table and table.schema.equals(schema, check_metadata=True)
assert table.schema.field("i").metadata == {b"unit": b"m"}
assert table["s"][49_999].as_py() == "r49999"
assert part["i"].to_pylist() == [100, 101, 102, 103, 104] and chunked.num_chunks == 2
assert chunked.to_pylist() == [1, 2, None, 4]
assert words.type == pa.dictionary(pa.int32(), pa.string())
assert words.to_pylist() == ["a", "b", "a", None] and words.dictionary.to_pylist() == ["a", "b"]
assert nested.to_pylist() == [{"a": [1, 2]}, None] and batch.column("x")[0].as_py() == 1.5
""",
)
arrow.restored(
    "slices, buffers and types of arrow",
    """
import pyarrow as pa, pyarrow.compute as pc
import numpy as np
array = pa.array(range(100_000))
middle = array[500:510]
buffer = pa.py_buffer(b"abc")
zero = pa.array(np.arange(20_000.0))
kinds = [pa.timestamp("us", "UTC"), pa.list_(pa.field("x", pa.int8())), pa.decimal128(5, 2)]
scalar = pa.scalar(5, pa.int16())
expression = pc.field("a") > 3
nothing = pa.nulls(3)
""",
    """
array.validate(full=True)
assert middle.to_pylist() == list(range(500, 510)) and buffer.to_pybytes() == b"abc"
assert zero[5].as_py() == 5.0
assert kinds == [pa.timestamp("us", "UTC"), pa.list_(pa.field("x", pa.int8())), pa.decimal128(5, 2)]
assert scalar.as_py() == 5 and scalar.type == pa.int16() and nothing.null_count == 3
assert pa.table({"a": [1, 5]}).filter(expression).num_rows == 1
assert pc.count(nothing, mode="all").as_py() == 3
""",
)
arrow.unsaved(
    "files and readers of arrow",
    {"sink": "", "reader": ""},
    """
import pyarrow as pa, pyarrow.parquet as pq
pq.write_table(pa.table({"a": [1, 2]}), "x.parquet")
sink = pa.OSFile("y.bin", "wb")
reader = pq.ParquetFile("x.parquet")
table = pq.read_table("x.parquet")
""",
    "assert table.to_pydict() == {'a': [1, 2]}",
)
xarray.restored(
    "labelled arrays",
    """
import numpy as np, pandas as pd, xarray as xr
values = np.arange(60_000.0).reshape(200, 300)
array = xr.DataArray(
    values,
    dims=("t", "x"),
    coords={"t": pd.date_range("2026-01-01", periods=200)},
    attrs={"u": "m"},
)
data = xr.Dataset({"a": array, "b": ("x", np.arange(300))}, attrs={"title": "T"})
part = array[5:10]
mean = data.groupby("t.month").mean()
""",
    """
assert array.sel(t="2026-01-02")[3] == 303 and array.attrs == {"u": "m"}
assert data.attrs["title"] == "T"
assert np.shares_memory(array.values, values) and np.shares_memory(part.values, values)
values[5, 0] = -1
assert array.values[5, 0] == -1 and part.values[0, 0] == -1 and data["b"].dims == ("x",)
assert mean["a"].shape == (7, 300) and type(array.indexes["t"]) is pd.DatetimeIndex
""",
)
