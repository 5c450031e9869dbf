"""A program that dies at every step of what is done to the folder of checkpoints, and looks after
each death whether all that was committed is there. It prints how often it died, by what was done.
"""

import fcntl
import json
import os
import shutil
import sys
from pathlib import Path

from jupyter_flows.store.checkpoints.blobs import damage
from jupyter_flows.store.checkpoints.collecting import collect, drop
from jupyter_flows.store.checkpoints.folder import Layout, digits_of, is_manifest
from jupyter_flows.store.checkpoints.manifests import read
from tests.store.saving import (
    HOUR,
    OTHER,
    RUN,
    age,
    blake3,
    blobs,
    manifests,
    opened,
    saved,
    sha256,
    write_blob,
)

TEXT = b"the same words again and again, " * 2000
STEPS = (
    *((os, name) for name in ("fsync", "replace", "unlink", "link", "rmdir", "mkdir", "utime")),
    *((os, name) for name in ("open", "write", "close", "chmod")),
    (fcntl, "flock"),
)
KILLED = 9


class Scene:
    """A folder with two runs; one has an older checkpoint, of which much is used by others."""

    def __init__(self, folder):
        self.folder = folder
        self.layout = Layout(folder)
        self.server = opened(folder)

    def made(self):
        self.server._place(RUN)
        self.old = self.commit(RUN, [TEXT + b"old"], [b"shared" * 5000])
        self.new = self.commit(RUN, [TEXT], [b"shared" * 5000])
        self.other = self.commit(OTHER, [TEXT + b"other"], [b"shared" * 5000, TEXT], blake3)
        write_blob(self.folder, b"loose" * 1000)
        age(self.folder, 2 * HOUR)
        return self

    def copied_to(self, folder):
        shutil.copytree(self.folder, folder)
        scene = Scene(folder)
        scene.old, scene.new, scene.other = self.old, self.new, self.other
        return scene

    def commit(self, run, streams, buffers, named=sha256):
        said = saved(self.folder, [(stream, ["df"]) for stream in streams], buffers, run, named)
        return self.server._commit(run, self.server._place(run), said)

    def checked(self):
        """Every manifest is whole, and every byte of what it names."""
        for run, file in self.layout.manifest_files():
            if is_manifest(file.name):
                _, parts = read(self.layout, run, f"sha256:{file.name}")
                for part in parts:
                    wrong = damage(self.layout, part.blob, part.bytes, lambda: False)
                    assert not wrong, (part, wrong)

    def whole(self):
        """What there is, without what is half written."""
        names = {name for name in blobs(self.folder) if digits_of(name)}
        return names, {name for name in manifests(self.folder) if is_manifest(name)}


def first_place(scene):
    scene.server._place(RUN)
    scene.commit(RUN, [b"first"], [])


def later_place(scene):
    scene.server._place(RUN)


def commit_new(scene):
    scene.commit(OTHER, [b"another", TEXT], [b"buffer" * 1000])


def commit_again(scene):
    scene.commit(RUN, [TEXT], [b"shared" * 5000])


def collect_dead(scene):
    with scene.layout.alone():
        collect(scene.layout, [OTHER], [], scene.server._clock())


def drop_run(scene):
    with scene.layout.alone():
        drop(scene.layout, RUN, [])
        collect(scene.layout, [OTHER], [], scene.server._clock())


def drop_older(scene):
    with scene.layout.alone():
        drop(scene.layout, RUN, [scene.new])
        collect(scene.layout, [RUN, OTHER], [], scene.server._clock())


def tidy(scene):
    scene.server._tidier.tidy(scene.server._clock() - HOUR, lambda: False)


def drop_packed(scene):
    tidy(scene)
    drop_run(scene)


LIVE = {
    first_place: (),
    later_place: ("old", "new", "other"),
    commit_new: ("old", "new", "other"),
    commit_again: ("old", "new", "other"),
    collect_dead: ("other",),
    drop_older: ("new", "other"),
    drop_run: ("other",),
    tidy: ("old", "new", "other"),
    drop_packed: ("other",),
}


def die_at(step):
    """From now on, at that step: before it is done, or in the middle of a write."""
    left = step

    def counted(name, real):
        def call(*args, **kwargs):
            nonlocal left
            left -= 1
            if left == 0:
                if name == "write":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                os._exit(KILLED)
            return real(*args, **kwargs)

        return call

    for module, name in STEPS:
        setattr(module, name, counted(name, getattr(module, name)))


def has_died(work, scene, step):
    child = os.fork()
    if child == 0:
        die_at(step)
        work(scene)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED), code
    return code == KILLED


def prepared(work, template, folder):
    scene = template.copied_to(folder)
    if work is first_place:
        shutil.rmtree(folder)
    return scene


def deaths(work, template, folder):
    whole = prepared(work, template, folder / "whole")
    work(whole)
    whole.checked()
    step = 0
    while True:
        step += 1
        scene = prepared(work, template, folder / str(step))
        died = has_died(work, scene, step)
        scene.checked()
        there = manifests(scene.folder)
        for name in LIVE[work]:
            assert getattr(scene, name).removeprefix("sha256:") in there, (work, step, name)
        work(scene)
        scene.checked()
        assert scene.whole() == whole.whole(), (work, step)
        shutil.rmtree(scene.folder)
        if not died:
            return step - 1


if __name__ == "__main__":
    os.fsync = lambda handle: None  # what a process wrote outlives it without
    root = Path(sys.argv[1])
    template = Scene(root / "template").made()
    counts = {}
    for work in LIVE:
        (root / work.__name__).mkdir()
        counts[work.__name__] = deaths(work, template, root / work.__name__)
    sys.stdout.write(json.dumps(counts))
