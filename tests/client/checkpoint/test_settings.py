"""Settings and source texts, which are no variables, come back too."""

import decimal
import inspect
import linecache

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def usual():
    """Settings are put back after the test."""
    context, errors = decimal.getcontext().copy(), np.geterr()
    limit = pd.get_option("display.max_rows")
    yield
    decimal.setcontext(context)
    np.seterr(**errors)
    pd.set_option("display.max_rows", limit)


SETTING = """
import decimal
import numpy as np, pandas as pd
decimal.getcontext().prec = 5
np.seterr(divide="raise")
pd.set_option("display.max_rows", 7)
"""


def test_settings_come_back(kernel, other, usual):
    told = kernel.run(SETTING).save()
    kernel.run(SETTING.replace("5", "9").replace("7", "9").replace("raise", "ignore"))
    other.load(told)
    assert decimal.getcontext().prec == 5
    assert np.geterr()["divide"] == "raise"
    assert pd.get_option("display.max_rows") == 7


def test_a_setting_that_cant_be_saved_is_left_out(kernel, other, usual):
    source = "import pandas as pd\ng = (n for n in [])\npd.set_option('display.max_rows', 7)\n"
    hides = "pd.set_option('display.float_format', lambda value, kept=g: str(value))"
    told = kernel.run(source + hides).save()
    pd.reset_option("display.float_format")
    assert [each["name"] for each in told["unsaved"]] == ["g"]
    assert "error" not in other.load(told)


def test_the_source_of_a_cells_function_can_be_shown(kernel, other, monkeypatch):
    text = "def f():\n    # why\n    return 1\n"
    monkeypatch.setitem(
        linecache.cache, "<cell>", (len(text), None, text.splitlines(True), "<cell>")
    )
    told = kernel.run(text).save()
    monkeypatch.delitem(linecache.cache, "<cell>")
    other.load(told)
    assert inspect.getsource(other.names["f"]) == text
