"""Frames and series of pandas."""

from tests.fidelity.case import Shelf

shelf = Shelf("pandas")
BEGIN = "import pandas as pd\nimport numpy as np\n"

shelf.restored(
    "a frame of many types",
    BEGIN
    + """
n = 20_000
df = pd.DataFrame(
    {
        "i": np.arange(n, dtype="i4"),
        "f": np.linspace(0, 1, n),
        "s": [f"r{k}" for k in range(n)],
        "t": pd.date_range("2026-01-01", periods=n, freq="min", tz="Europe/Berlin"),
        "b": np.arange(n) % 2 == 0,
        "o": pd.Series([[k] for k in range(n)], dtype=object),
    }
)
df.loc[3, "f"] = np.nan
df.loc[4, "s"] = None
alias = df
copy = df.copy()
dtypes = df.dtypes
tail = df.tail(3)
""",
    """
assert alias is df and df.dtypes.equals(dtypes) and copy is not df
pd.testing.assert_frame_equal(df, copy)
pd.testing.assert_frame_equal(tail, df.tail(3))
assert df["i"].dtype == "int32"
assert str(df["t"].dtype) in {"datetime64[ns, Europe/Berlin]", "datetime64[us, Europe/Berlin]"}
assert type(df.index) is pd.RangeIndex and np.isnan(df.loc[3, "f"]) and pd.isna(df.loc[4, "s"])
df["new"] = df["i"] * 2
df.loc[0, "i"] = -1
assert "new" not in copy and alias.loc[0, "i"] == -1 and copy.loc[0, "i"] == 0
tell(str(df["s"].dtype))
tell(pd.util.hash_pandas_object(df.drop(columns="o")).sum())
tell(str(df["t"].dt.tz))
""",
)
shelf.restored(
    "indexes of each kind",
    BEGIN
    + """
multi = pd.DataFrame(
    {"v": range(4)}, index=pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["k", "n"])
)
columns = pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)]))
days = pd.date_range("2026-01-01", periods=5, freq="B")
periods = pd.period_range("2026-01", periods=3, freq="M")
spans = pd.timedelta_range("1h", periods=3, freq="h")
ranges = pd.interval_range(0, 3, closed="left")
kinds = pd.CategoricalIndex(["b", "a"], categories=["b", "a", "c"], ordered=True, name="c")
by_period = pd.Series([1, 2, 3], index=periods, name="p")
named = pd.Index([3, 1, 2], name=("odd", "name"))
""",
    """
assert multi.loc[("b", 1), "v"] == 2 and multi.index.names == ["k", "n"]
assert columns[("y", 2)].tolist() == [0, 1] and days.freq == pd.offsets.BDay()
assert days.freqstr == "B"
assert periods.freqstr == "M" and by_period["2026-02"] == 2 and by_period.name == "p"
assert spans.freq == pd.offsets.Hour() and ranges.closed == "left" and ranges.get_loc(1) == 1
assert kinds.ordered and list(kinds.categories) == ["b", "a", "c"] and kinds.name == "c"
assert named.name == ("odd", "name") and named.get_loc(2) == 2 and by_period.index is not None
""",
)
shelf.restored(
    "extension types",
    BEGIN
    + """
series = {
    "int": pd.array([1, None, 3], dtype="Int64"),
    "bool": pd.array([True, None], dtype="boolean"),
    "float": pd.array([1.5, None], dtype="Float32"),
    "string": pd.array(["a", None], dtype="string"),
    "python": pd.array(["a", None], dtype="string[python]"),
    "sparse": pd.arrays.SparseArray([0, 0, 1, 0], fill_value=0),
    "cat": pd.Categorical(["x", None, "y"], categories=["y", "x"], ordered=True),
    "tz": pd.array(pd.to_datetime(["2026-01-01", None], utc=True)),
}
df = pd.DataFrame({"a": pd.Series(series["int"]), "c": series["cat"]})
nothing, no_time = pd.NA, pd.NaT
stamp, delta = pd.Timestamp("2026-03-29 02:30", tz="UTC"), pd.Timedelta("1ns")
""",
    """
assert series["int"].dtype == pd.Int64Dtype() and series["int"][1] is pd.NA is nothing
assert series["bool"].dtype == "boolean" and series["float"].dtype == "Float32"
assert series["float"][1] is pd.NA
assert series["string"].dtype == "string" and series["string"].isna().tolist() == [False, True]
assert series["python"].dtype.storage == "python" and no_time is pd.NaT
assert series["sparse"].dtype == pd.SparseDtype(int, 0) and series["sparse"].density == 0.25
assert series["cat"].ordered and list(series["cat"].categories) == ["y", "x"]
assert series["cat"].codes.tolist() == [1, -1, 0]
assert series["tz"][1] is pd.NaT and df["c"].cat.ordered and stamp.tz is not None
assert delta.value == 1
series["int"][0] = 9
tell((df["a"].sum(), str(series["string"].dtype), repr(df)))
""",
)
shelf.restored(
    "arrow types in pandas",
    BEGIN
    + """
import pyarrow as pa
df = pd.DataFrame(
    {
        "a": pd.array([1, None], dtype="int64[pyarrow]"),
        "s": pd.array(["x", "y"], dtype="string[pyarrow]"),
    }
)
lists = pd.Series([[1, 2], None], dtype=pd.ArrowDtype(pa.list_(pa.int32())))
texts = pd.Series(["word"] * 50_000 + [None])
""",
    """
assert str(df.dtypes["a"]) == "int64[pyarrow]" and df["a"].isna().tolist() == [False, True]
assert list(lists[0]) == [1, 2] and lists.dtype == pd.ArrowDtype(pa.list_(pa.int32()))
assert texts.count() == 50_000 and pd.isna(texts.iloc[-1])
assert df["s"].str.upper().tolist() == ["X", "Y"]
tell((str(texts.dtype), str(df["s"].dtype)))
""",
)
shelf.restored(
    "attributes, flags and names of frames",
    BEGIN
    + """
df = pd.DataFrame({"a": [1, 2]})
source = {"url": "x"}
df.attrs["source"] = source
df.columns.name = "cols"
df.index.name = "row"
strict = pd.DataFrame({"a": [1]}, index=["k"]).set_flags(allows_duplicate_labels=False)
doubled = pd.DataFrame([[1, 2]], columns=["a", "a"])
empty = pd.DataFrame(columns=["x"], index=pd.DatetimeIndex([]))
""",
    """
assert df.attrs["source"] is source and df.columns.name == "cols" and df.index.name == "row"
assert strict.flags.allows_duplicate_labels is False and doubled["a"].shape == (1, 2)
assert empty.shape == (0, 1) and type(empty.index) is pd.DatetimeIndex
""",
)
shelf.restored(
    "frames that share memory",
    BEGIN
    + """
array = np.arange(30_000.0).reshape(10_000, 3)
df = pd.DataFrame(array, columns=list("abc"), copy=False)
column = df["a"]
values = df.to_numpy()
half = df.iloc[:5000]
frames = [df, df]
before = np.shares_memory(array, df.to_numpy())
""",
    """
assert np.shares_memory(array, df.to_numpy()) == before and frames[0] is frames[1] is df
array[0, 1] = -7
assert df.loc[0, "b"] == (-7 if before else 1) and np.shares_memory(values, df.to_numpy())
df.loc[1, "a"] = 99
assert column[1] == 3 and half.loc[1, "a"] == 3
""",
)
shelf.restored(
    "groups, windows and styles",
    BEGIN
    + """
df = pd.DataFrame({"k": list("abab"), "v": [1.0, 2.0, 3.0, 4.0]})
groups = df.groupby("k")
rolling = df["v"].rolling(2)
resampled = pd.Series(range(4), index=pd.date_range("2026-01-01", periods=4)).resample("2D")
table = df.pivot_table(index="k", values="v", aggfunc="mean")
""",
    """
assert groups["v"].sum().to_dict() == {"a": 4.0, "b": 6.0} and groups.ngroups == 2
assert rolling.sum().tolist()[1:] == [3, 5, 7] and resampled.sum().tolist() == [1, 5]
assert groups.obj is df and table.loc["a", "v"] == 2
""",
)
shelf.restored(
    "a styled frame",
    BEGIN
    + """
df = pd.DataFrame({"a": [1.234, -5]})
def red(x):
    return f"color: {colour}" if x < 0 else ""
colour = "red"
style = df.style.map(red).format("{:.1f}").set_caption("Cap").set_uuid("u")
""",
    """
html = style.to_html()
assert "color: red" in html and "1.2" in html and "Cap" in html and style.data is df
tell(html)
""",
)
shelf.restored(
    "subclasses, accessors and functions over frames",
    BEGIN
    + """
class Prices(pd.DataFrame):
    _metadata = ["currency"]
    @property
    def _constructor(self):
        return Prices
    def total(self):
        return self["p"].sum()
prices = Prices({"p": [1, 2]})
prices.currency = "EUR"
def clean(frame):
    return frame[frame["p"] > limit]
limit = 1
offset = pd.offsets.CustomBusinessDay(holidays=["2026-01-01"])
grouper = pd.Grouper(key="t", freq="D")
""",
    """
assert type(prices) is Prices and prices.currency == "EUR" and prices.total() == 3
assert clean(prices)["p"].tolist() == [2] and type(prices.head(1)) is Prices
assert pd.Timestamp("2025-12-31") + offset == pd.Timestamp("2026-01-02") and grouper.key == "t"
""",
)
shelf.restored(
    "settings of pandas are for replay cells",
    "df = pd.DataFrame({'a': [1.23456]})",
    """
assert pd.get_option("display.precision") == 2 and "1.23" in repr(df) and "1.2345" not in repr(df)
""",
    replay="import pandas as pd\npd.set_option('display.precision', 2)",
)
shelf.unsaved(
    "readers in the middle of a file",
    {"reader": ""},
    BEGIN
    + """
pd.DataFrame({"a": range(10)}).to_csv("x.csv", index=False)
reader = pd.read_csv("x.csv", chunksize=2)
first = next(reader)
""",
    "assert first['a'].tolist() == [0, 1]",
)
shelf.restored(
    "series of objects that are known elsewhere",
    BEGIN
    + """
class Item:
    def __init__(self, n):
        self.n = n
items = [Item(n) for n in range(3)]
series = pd.Series(items, index=["a", "b", "c"])
df = pd.DataFrame({"item": items, "n": [0, 1, 2]})
cache = {"series": series}
""",
    """
assert series["b"] is items[1] and df["item"].iloc[2] is items[2] and cache["series"] is series
items[0].n = 50
assert df["item"].map(lambda item: item.n).tolist() == [50, 1, 2]
""",
)
shelf.restored(
    "zones of other makers, and offsets",
    BEGIN
    + """
from dateutil import tz
from dateutil.relativedelta import relativedelta
zone = tz.gettz("Europe/Paris")
times = pd.date_range("2026-03-28", periods=3, tz=zone)
step = relativedelta(months=1)
table = {"at": times[0], "zone": zone}
""",
    """
assert table["zone"] is zone and str(times[2].utcoffset()) == "2:00:00" and times[0] == table["at"]
assert pd.Timestamp("2026-01-31") + step == pd.Timestamp("2026-02-28")
assert times.tz.utcoffset(times[0]) is not None
""",
)
shelf.restored(
    "attributes set on frames, series and indexes",
    BEGIN
    + """
import warnings
warnings.simplefilter("ignore")
df, s, index = pd.DataFrame({"a": [1, 2]}), pd.Series(["x"]), pd.RangeIndex(3)
class Own(pd.DataFrame):
    @property
    def _constructor(self):
        return Own
own, days = Own({"a": [1]}), pd.date_range("2020", periods=2)
s.str
note = [1]
for each in (df, s, index, own, days):
    each.note = note
""",
    """
assert all(each.note is note for each in (df, s, index, own, days))
assert list(s.str.upper()) == ["X"] and type(own) is Own
""",
)
