"""The image of deploy/Dockerfile, built and run by buildah: nothing but this machine's packages is fetched."""

import json
import os
import pathlib

from .debian import command, make_debian
from .runnel import ROOT, Runnel

_NAME = "runnel"
_BASE = "docker.io/library/debian:bookworm-slim"  # what the Dockerfile's short name stands for
# What makes the official image slim.
_SLIM = ["path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright", "path-exclude=/usr/share/man/*",
         "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/info/*"]


class Image:
    """In a storage of its own below `folder`; `end()` takes that away."""

    def __init__(self, folder):
        self._folder = folder
        self._buildah = ["buildah", "--root", folder / "storage", "--runroot", folder / "run",
                         "--storage-driver", "vfs"]
        self._make_base()
        self.buildah("bud", "--isolation", "chroot", "--pull-never", "--format", "docker", "-t", _NAME,
                     "-f", "deploy/Dockerfile", ".", cwd=ROOT)
        self.about = json.loads(self.buildah("inspect", "--type", "image", _NAME))["Docker"]
        self.container = self.buildah("from", "--pull-never", _NAME).strip()
        self.root = pathlib.Path(self.buildah("mount", self.container).strip())

    def buildah(self, *argv, **kwargs):
        return command(*self._buildah, *argv, **kwargs)

    def _make_base(self):
        scratch = self.buildah("from", "scratch").strip()
        root = self.buildah("mount", scratch).strip()
        make_debian(root, self._folder, "--variant=minbase", *(f"--dpkgopt={option}" for option in _SLIM))
        self.buildah("commit", "--quiet", "--rm", scratch, _BASE)

    def command(self):
        return [*self.about["config"]["Entrypoint"], *self.about["config"]["Cmd"]]

    def run(self, *argv, options=()):
        """The words of `buildah run` for a command in the image, as its user."""
        return [*self._buildah, "run", "--isolation", "chroot", *options, self.container, "--", *argv]

    def end(self):
        self.buildah("rm", "--all")
        self.buildah("rmi", "--all", "--force")


class RunnelByBuildah(Runnel):
    """The image's own command under `buildah run`, with the config's folder mounted."""

    def __init__(self, image, folder, **sections):
        super().__init__(folder, **sections)
        self.folder = config_folder(self.config_path)
        mounted = f"{self.folder}:/etc/runnel:ro"
        self.argv = image.run(*image.command(), options=["--volume", mounted])

    def signal(self, number):
        """buildah passes nothing on, but ends as the innermost of its processes does."""
        os.kill(innermost(self.pid), number)


class RunnelInImage(Runnel):
    """
    The image's program as the strictest pod would have it: its root cannot be written, not even by root, no new
    privileges, nothing mounted but the config and what every container has. What starts it becomes it, so signals and
    the exit status are its own.
    """

    _START = """
        mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount --bind "$2" "$1/etc/runnel" &&
        mount --rbind /dev "$1/dev" && mount --bind /proc "$1/proc" &&
        exec setpriv --no-new-privs chroot --userspec="$3" "$1" "${@:4}"
    """

    def __init__(self, image, folder, **sections):
        super().__init__(folder, **sections)
        self.folder = config_folder(self.config_path)
        self.argv = ["unshare", "--mount", "--propagation", "private", "bash", "-c", self._START, "start",
                     image.root, self.folder, image.about["config"]["User"], *image.command()]


def config_folder(path):
    """A folder with the config under the name that the image wants, for every user to read."""
    folder = path.with_suffix("")
    folder.mkdir(mode=0o755)
    path.rename(folder / "runnel.yaml")
    return folder


def innermost(pid):
    """The last of a chain of processes of which each has started the next."""
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text(encoding="ascii").split():
            return innermost(int(child))
    return pid
