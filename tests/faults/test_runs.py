"""Runs whose checkpoint, or whose kernel, is not what it was: each says what has happened and what
can be done, and goes on with the right values or not at all.
"""

import asyncio
import os
import random
import shutil
import signal

import pytest

from jupyter_flows.client.checkpoint.hashes import name_in
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.store.checkpoints.folder import Layout
from tests.faults.conftest import SEED, trials
from tests.faults.houses import GATE, House, cells, result, until
from tests.store.saving import sha256


@pytest.fixture
def house(tmp_path, make_notebook, jp_asyncio_loop):
    async def opened():
        return await House(tmp_path, make_notebook).start()

    house = jp_asyncio_loop.run_until_complete(opened())
    yield house
    jp_asyncio_loop.run_until_complete(house.stop())


def layout(house):
    return Layout(house.folder / "flows" / "checkpoints")


async def parts(house, run):
    """The paths of the newest checkpoint: its manifest, its stream, its buffers."""
    digest = run.checkpoints[-1].digest
    kernel = (await house.checkpoints.manifest(run.id, digest))["kernel"]
    named = [name_in(each) for each in [*kernel["streams"], *kernel["blobs"]]]
    return [layout(house).manifest(run.id, digest), *map(layout(house).blob, named)]


# ------------------------------------------------------------ kernels that die


@pytest.mark.timeout(900)
async def test_a_run_outlives_kernels_that_are_killed_while_they_are_restored(
    house, tally, chance, monkeypatch
):
    """It is interrupted, or goes on, or fails in the next cell if the kernel dies there; its
    checkpoint stays, and is what it goes on with.
    """
    count, seconds = tally("kernel of a run killed while it is restored"), 0.3
    restore = house.house.kernels.restore

    async def deadly(name, *args):
        pid, loop = house.pid(run), asyncio.get_running_loop()
        loop.call_later(chance.uniform(0, seconds), os.kill, pid, signal.SIGKILL)
        await restore(name, *args)

    for n in range(trials(2)):
        run = await house.waiting(*cells(n))
        await house.lose_kernel(run)
        with monkeypatch.context() as patch:
            patch.setattr(house.house.kernels, "restore", deadly)
            found = await house.approved(run)
        status = found.status
        if status != "succeeded":
            (checkpoint,) = found.checkpoints
            assert checkpoint.doubt is None
            assert Choice.CHECKPOINT in machine.choices(found)
            found = await house.ended(found, choice=Choice.CHECKPOINT)
        right = (found.status, found.result) == ("succeeded", result(n))
        count.add(status, "" if right else f"{found.status} {found.result} {found.error}")
    count.check(trials(2))


async def test_a_run_that_sleeps_outlives_its_kernel(house, tally):
    count = tally("kernel of a sleeping run killed")
    state, _, then = cells(5)
    run = await house.started((state, [], {"sleep": "1h"}), then)
    await house.engine.settled(run.id)
    run = await house.engine.saved(run.id)
    assert run.status == "sleeping"
    await house.lose_kernel(run)
    house.ahead = 3601.0
    await house.engine.see_to_due()
    ended = await house.ended(run)
    right = (ended.status, ended.result) == ("succeeded", result(5))
    count.add("restored", "" if right else f"{ended.status} {ended.error}")
    count.check(1)


# ------------------------------------------------------------ damage


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def truncate(path):
    os.truncate(path, path.stat().st_size - 1)


def remove(path):
    path.unlink()


def link(path):
    path.unlink()
    path.symlink_to("/dev/zero")


DAMAGED = [(0, flip), (0, remove), (1, flip), (2, truncate), (2, link)]
"""What of a checkpoint, and how: each needs three kernels, so that some are chosen."""


@pytest.mark.parametrize(
    ("which", "damage"), random.Random(SEED).sample(DAMAGED, min(len(DAMAGED), trials(2)))
)
async def test_a_run_whose_checkpoint_is_damaged_is_interrupted_and_can_run_again(
    house, tally, which, damage
):
    count = tally("run with a damaged checkpoint")
    run = await house.waiting(*cells(5))
    await house.lose_kernel(run)
    damage((await parts(house, run))[which])
    found = await house.approved(run)
    assert found.status == "interrupted"
    assert found.error.message.startswith("The saved variables are not restored: ")
    with pytest.raises(Exception, match="rerun"):
        await house.ended(found, choice=Choice.CHECKPOINT)
    ended = await house.ended(found, choice=Choice.RERUN)
    right = (ended.status, ended.result) == ("succeeded", result(5))
    count.add("interrupted, rerun", "" if right else f"{ended.status} {ended.error}")
    count.check(1)


async def test_a_run_whose_checkpoint_folder_is_gone_says_so_and_can_run_again(house, tally):
    count = tally("checkpoint folder removed")
    run = await house.waiting(*cells(5))
    await house.lose_kernel(run)
    shutil.rmtree(layout(house).root)
    found = await house.approved(run)
    assert found.status == "interrupted"
    assert "is gone, and the run's checkpoint with it" in found.error.message
    ended = await house.ended(found, choice=Choice.RERUN)
    right = (ended.status, ended.result) == ("succeeded", result(5))
    count.add("interrupted, rerun", "" if right else f"{ended.status} {ended.error}")
    count.check(1)


async def test_a_kernel_whose_save_used_a_damaged_blob_again_is_kept(house, tally):
    """A save looks at no content that is there; the trial before a kernel is let go does."""
    count = tally("damaged blob used again by a later save")
    first = await house.waiting(*cells(5))
    buffers = (await parts(house, first))[-1]
    flip(buffers)
    run = await house.waiting(*cells(5))
    assert buffers in await parts(house, run)
    house.ahead = 901.0
    await house.engine._waits.releases.release(run.id)
    found = await house.engine.run(run.id)
    assert "is not what was saved" in found.checkpoints[-1].doubt
    assert (found.released_at, house.engine.has_kernel(run.id)) == (None, True)
    ended = await house.approved(run)
    right = (ended.status, ended.result) == ("succeeded", result(5))
    count.add("found by the trial", "" if right else f"{ended.status} {ended.error}")
    count.check(1)


# ------------------------------------------------------------ another kernel than before


async def test_a_checkpoint_of_another_python_is_not_loaded(house, tally, monkeypatch):
    count = tally("saved by another Python")
    commit = house.checkpoints.commit

    async def as_by_another(run, place, manifest):
        kernel = manifest["kernel"]
        python = {**kernel["python"], "version": "3.8.1"}
        return await commit(run, place, {**manifest, "kernel": {**kernel, "python": python}})

    monkeypatch.setattr(house.checkpoints, "commit", as_by_another)
    run = await house.waiting(*cells(5))
    await house.lose_kernel(run)
    found = await house.approved(run)
    assert found.status == "interrupted"
    assert "saved by Python 3.8.1, and the kernel is Python" in found.error.message
    assert found.choices == (Choice.RERUN,)
    ended = await house.ended(found, choice=Choice.RERUN)
    right = (ended.status, ended.result) == ("succeeded", result(5))
    count.add("interrupted, rerun", "" if right else f"{ended.status} {ended.error}")
    count.check(1)


def install(site, version):
    """A distribution of one module, as an installer leaves it."""
    for old in site.glob("*.dist-info"):
        shutil.rmtree(old)
    shutil.rmtree(site / "__pycache__", ignore_errors=True)
    (site / "tinyledger.py").write_text(
        f"class Ledger:\n    made_by = {version!r}\n    def __init__(self, n): self.n = n\n"
    )
    info = site / f"tinyledger-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tinyledger\nVersion: {version}\n")
    (info / "top_level.txt").write_text("tinyledger\n")
    record = f"tinyledger.py,sha256={sha256(b'')},1\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n"
    (info / "RECORD").write_text(record)
    (info / "INSTALLER").write_text("pip\n")


@pytest.mark.parametrize("choice", [Choice.CHANGED, Choice.RERUN][: trials(1)])
async def test_a_package_that_has_changed_is_named_and_a_person_chooses(
    house, tally, tmp_path, choice
):
    count, site = tally("package changed meanwhile"), tmp_path / "site-packages"
    site.mkdir()
    install(site, "1.0")
    source = f"import sys; sys.path.insert(0, {str(site)!r})\nimport tinyledger\n"
    source += "ledger = tinyledger.Ledger(20); made = ledger.made_by"
    run = await house.waiting(source, GATE, "[ledger.n, made, ledger.made_by]")
    await house.lose_kernel(run)
    install(site, "1.1")
    found = await house.approved(run)
    assert found.status == "interrupted"
    assert "tinyledger 1.0 is 1.1 now" in found.error.message
    assert found.choices == (Choice.CHANGED, Choice.RERUN)
    ended = await house.ended(found, choice=choice)
    made = "1.0" if choice is Choice.CHANGED else "1.1"
    right = (ended.status, ended.result) == ("succeeded", [20, made, "1.1"])
    count.add(f"interrupted, {choice.value}", "" if right else f"{ended.result} {ended.error}")
    count.check(1)


async def test_an_undamaged_run_comes_back(house, tally):
    """What all others are held against."""
    count = tally("kernel of a waiting run killed")
    run = await house.waiting(*cells(5))
    await house.lose_kernel(run)
    ended = await house.approved(run)
    right = (ended.status, ended.result) == ("succeeded", result(5))
    count.add("restored", "" if right else f"{ended.status} {ended.error}")
    await until(lambda: not layout(house).manifests_of(run.id).exists())
    count.check(1)
