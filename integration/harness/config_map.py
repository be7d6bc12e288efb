"""A ConfigMap as a volume in a pod."""

import shutil


class ConfigMapVolume:
    """As the kubelet lays it out: each version in a folder of its own, and a link to the newest, which is swapped."""

    def __init__(self, folder, name):
        self.file = folder / name
        self._versions = 0
        folder.mkdir()
        self.file.symlink_to(f"..data/{name}")

    def write(self, text):
        folder = self.file.parent
        previous = list(folder.glob("..version*"))
        self._versions += 1
        version = folder / f"..version{self._versions}"
        version.mkdir()
        (version / self.file.name).write_text(text, encoding="utf-8")
        (folder / "..data_tmp").symlink_to(version.name)
        (folder / "..data_tmp").rename(folder / "..data")
        for path in previous:
            shutil.rmtree(path)
