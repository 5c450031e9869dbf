"""What `ports.ThingStore` promises, shown of both; and what lies in the database's file."""

import shutil

import pytest

from jupyter_flows.core.errors import VariablesLocked
from jupyter_flows.core.things import Progress, Resource, Variable, checked_key, checked_path

SECRET = "the-plain-text-of-a-secret"


@pytest.fixture
def things(store):
    return store.things


def variable(path="f/finance/limit", value="300", **more):
    return Variable(path=path, value=value, updated_at=1000.5, **more)


def resource(path="f/finance/db", **more):
    return Resource(path=path, resource_type="postgresql", updated_at=1000.5, **more)


@pytest.fixture(params=["variables", "resources"])
def kind(request, things):
    """A shelf, and how a thing of it is made."""
    make = variable if request.param == "variables" else resource
    return getattr(things, request.param), make


async def test_a_thing_is_found_by_its_path(kind):
    shelf, make = kind
    assert await shelf.at("f/a/b") is None
    assert await shelf.add(make("f/a/b", description="what it is"))
    assert await shelf.at("f/a/b") == make("f/a/b", description="what it is")
    assert await shelf.at("f/a/B") is None


async def test_a_path_is_taken_once_and_replaced_where_it_is(kind):
    shelf, make = kind
    assert not await shelf.replace(make("f/a/b"))
    assert await shelf.at("f/a/b") is None
    assert await shelf.add(make("f/a/b"))
    assert not await shelf.add(make("f/a/b", value="other"))
    assert await shelf.at("f/a/b") == make("f/a/b")
    assert await shelf.replace(make("f/a/b", value="other"))
    assert await shelf.at("f/a/b") == make("f/a/b", value="other")


async def test_another_users_own_are_listed_for_nobody_else(kind):
    shelf, make = kind
    for path in ("u/bob/x", "f/b", "u/bobby/x", "f/a", "u/BOB/x", "u/b_b/x", "u/b%b/x"):
        await shelf.add(make(path))
    assert [each.path for each in await shelf.shared_and("u/bob")] == ["f/a", "f/b", "u/bob/x"]
    assert [each.path for each in await shelf.shared_and("u/b_b")] == ["f/a", "f/b", "u/b_b/x"]


async def test_a_thing_is_removed_once(kind):
    shelf, make = kind
    await shelf.add(make("f/a/b"))
    assert await shelf.remove("f/a/b")
    assert not await shelf.remove("f/a/b")
    assert await shelf.at("f/a/b") is None


@pytest.mark.parametrize("value", [None, 1, "ä\x00", [1.5, {"x": [True]}], {}, {"$": "$var:x"}])
async def test_any_json_is_a_resource(things, value):
    await things.resources.add(resource(value=value))
    assert (await things.resources.at("f/finance/db")).value == value


async def test_states_are_kept_with_their_family(things):
    await things.set_state("run_1", "b", {"n": 1})
    await things.set_state("run_1", "a key/of any ? text", None)
    await things.set_state("run_2", "b", 2)
    await things.set_state("run_1", "b", [3])
    assert await things.states("run_1") == {"a key/of any ? text": None, "b": [3]}
    assert await things.states("run_3") == {}
    assert await things.drop_state("run_1", "b")
    assert not await things.drop_state("run_1", "b")
    assert await things.states("run_2") == {"b": 2}


async def test_the_newest_progress_counts(things):
    assert await things.progress("run_1.a") is None
    await things.set_progress("run_1.a", Progress(10, None, 1.0))
    await things.set_progress("run_1.a", Progress(42, "loading", 2.0))
    await things.set_progress("run_1.b", Progress(7, None, 3.0))
    assert await things.progress("run_1.a") == Progress(42, "loading", 2.0)


async def test_the_longest_paths_and_keys_are_kept(things):
    long = "f/" + "".join(chr(0x1F000 + n * n * 7919 % 1499) for n in range(499))
    assert await things.resources.add(resource(checked_path(long)))
    assert await things.variables.add(variable(long))
    await things.set_state("run_1", checked_key(long), 1)
    assert await things.resources.at(long) == resource(long)
    assert await things.variables.at(long) == variable(long)
    assert await things.states("run_1") == {long: 1}


# ---------------------------------------------------------------- the files


@pytest.mark.parametrize("is_secret", [True, False])
async def test_no_file_holds_a_variables_plain_text(open_sql, tmp_path, is_secret):
    store = open_sql()
    await store.things.variables.add(variable(value=SECRET, is_secret=is_secret))
    await store.things.variables.replace(variable(value=SECRET + "-2", is_secret=is_secret))
    await store.things.resources.add(resource(value="a resource is plain"))
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"a resource is plain" in written
    assert SECRET.encode() not in written
    assert (await open_sql().things.variables.at("f/finance/limit")).value == SECRET + "-2"


async def test_the_key_file_is_private_and_made_with_the_first_variable(open_sql, tmp_path):
    store, keys = open_sql(), tmp_path / "variable-keys"
    assert await store.things.variables.shared_and("u/bob") == []
    assert not keys.exists()
    await store.things.variables.add(variable())
    assert keys.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("what", ["missing", "empty", "cut short", "another"])
async def test_without_their_key_the_variables_are_refused_and_no_new_key_is_made(
    open_sql, tmp_path, what
):
    store, keys = open_sql(), tmp_path / "variable-keys"
    await store.things.variables.add(variable(value=SECRET))
    shutil.copy(keys, tmp_path / "copy")
    text = keys.read_text()
    keys.unlink()
    left = {"empty": "", "cut short": text[:-20], "another": f"{'A' * 43}=\n"}
    if what in left:
        keys.write_text(left[what])
    for each in (store, open_sql()):
        shelf = each.things.variables
        for attempt in (
            shelf.at("f/finance/limit"),
            shelf.add(variable("f/new/one")),
            shelf.replace(variable(value="new")),
            shelf.shared_and("u/bob"),
        ):
            with pytest.raises(VariablesLocked, match="Put back a copy") as refused:
                await attempt
            assert str(keys) in str(refused.value)
    assert (keys.read_text() if keys.exists() else None) == left.get(what)
    shutil.move(tmp_path / "copy", keys)
    assert (await store.things.variables.at("f/finance/limit")).value == SECRET
    assert [each.path for each in await store.things.variables.shared_and("")] == [
        "f/finance/limit"
    ]


async def test_a_newer_key_encrypts_and_the_older_one_still_decrypts(open_sql, tmp_path):
    store, keys = open_sql(), tmp_path / "variable-keys"
    await store.things.variables.add(variable("f/a/old"))
    first = keys.read_text()
    new = f"{'B' * 43}=\n"
    keys.write_text(first + new)
    await store.things.variables.add(variable("f/a/new", value="2"))
    assert (await store.things.variables.at("f/a/old")).value == "300"
    keys.write_text(new)
    assert (await store.things.variables.at("f/a/new")).value == "2"
    with pytest.raises(VariablesLocked):
        await store.things.variables.at("f/a/old")
