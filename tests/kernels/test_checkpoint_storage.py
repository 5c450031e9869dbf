"""Variables that kernels send to an S3 server, and read from there; one is killed meanwhile."""

import logging
import uuid

import pytest

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import RunId
from jupyter_flows.ports import SaveRequest
from jupyter_flows.store.checkpoints import CheckpointBucket, listing, storage
from jupyter_flows.store.checkpoints.key import shared_key

from ..s3 import SECRET, bucket, options, s3_server  # noqa: TID252 (tests are no package)
from .test_sessions import RUN

OTHER = RunId("other")
STATE = "import numpy as np\nbig = np.arange(300_000)\nview = big[:2]\nwords = ['a'] * 1000"
SEEN = "view[0] = -1\n[int(big[0]), int(big[-1]), len(words)]"
DIES = (
    "import os, s3fs, signal\n"
    "put = s3fs.S3FileSystem._put_file\n"
    "async def dying(self, *args, **named):\n"
    "    await put(self, *args, **named)\n"
    "    os.kill(os.getpid(), signal.SIGKILL)\n"
    "s3fs.S3FileSystem._put_file = dying"
)


@pytest.fixture(scope="module")
def s3_url():
    with s3_server() as url:
        yield url


@pytest.fixture
def place(s3_url):
    name = uuid.uuid4().hex
    return name, bucket(s3_url, name), options(s3_url)


@pytest.fixture
def checkpoints(place, tmp_path):
    name, _, said = place
    return CheckpointBucket(
        f"s3://{name}/flows",
        said,
        shared_key("", tmp_path / "key"),
        max_bytes=10**9,
        budget=0,
        log=logging.getLogger("checkpoints"),
    )


def keys(place, below):
    name, client, _ = place
    found = client.list_objects_v2(Bucket=name, Prefix=f"flows/{below}/").get("Contents", ())
    return [each["Key"] for each in found]


async def saved(runs, checkpoints, run=RUN):
    place = await checkpoints.place(run)
    try:
        told = await runs.kernels.save(run, SaveRequest(folder=place.folder))
    except BaseException:
        await checkpoints.abandon(place)
        raise
    manifest = {"format": 1, "run": run, "covers": ["a"], "kernel": told}
    return await checkpoints.commit(run, place, manifest)


async def restored(runs, checkpoints, digest):
    await runs.open(OTHER)
    manifest = await checkpoints.manifest(RUN, digest)
    told = manifest["kernel"]
    told = {**told, "flow": {**told["flow"], "run": OTHER}}
    await runs.kernels.rehearse(runs.request(OTHER), checkpoints.folder, told)
    await runs.kernels.restore(OTHER, checkpoints.folder, told, [])
    outcome = await runs.execute(SEEN, run=OTHER)
    assert outcome.error is None, outcome.error
    return outcome.result


async def test_what_one_kernel_sends_another_one_reads(runs, checkpoints):
    await runs.open()
    await runs.execute(STATE)
    digest = await saved(runs, checkpoints)
    assert await restored(runs, checkpoints, digest) == [-1, 299_999, 1000]
    look = f"import os\n({SECRET[:5]!r} + {SECRET[5:]!r}) in repr([dict(os.environ), In, Out])"
    assert (await runs.execute(look, step="b")).result is False


@pytest.mark.parametrize("tries", [1, 3])
async def test_a_kernel_killed_while_it_sends_leaves_nothing_that_counts(
    runs, checkpoints, place, monkeypatch, tries
):
    for _ in range(tries):
        await runs.open()
        await runs.execute(STATE)
        await runs.execute(DIES, step="b")
        with pytest.raises(KernelUnavailable):
            await saved(runs, checkpoints)
    assert keys(place, "manifests") == keys(place, "saving") == []
    assert keys(place, "blobs")
    await runs.open()
    await runs.execute(STATE)
    digest = await saved(runs, checkpoints)
    assert await restored(runs, checkpoints, digest) == [-1, 299_999, 1000]
    monkeypatch.setattr(listing, "HOUR", -1.0)
    monkeypatch.setattr(storage, "HOUR", -1.0)
    await checkpoints.collect([RUN])
    await checkpoints.verify(RUN, digest)
    assert len(keys(place, "blobs")) == (await checkpoints.usage()).blobs
    await checkpoints.collect([])
    assert keys(place, "blobs") == keys(place, "manifests") == []
