"""A kernel provisioner of our own: as those of other machines, it tells of no process."""

from typing import ClassVar

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

NAME = "tests-far"


class Far(LocalProvisioner):
    """The kernels are of this machine, but nobody is told."""

    started: ClassVar[list] = []
    signals: ClassVar[list] = []

    async def launch_kernel(self, cmd, **kwargs):
        info = await super().launch_kernel(cmd, **kwargs)
        self.far_pid, self.pid = self.pid, None
        self.started.append(self.kernel_id)
        return info

    async def send_signal(self, signum):
        self.signals.append(signum)
        await super().send_signal(signum)


def registered(folder):
    """Have a folder on the path's beginning register it, as an installed package does."""
    about = folder / "tests_far-1.0.dist-info"
    about.mkdir(parents=True)
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: tests-far\nVersion: 1.0\n")
    about.joinpath("entry_points.txt").write_text(
        f"[jupyter_client.kernel_provisioners]\n{NAME} = {__name__}:Far\n"
    )
