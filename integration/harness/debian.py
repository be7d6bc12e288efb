"""A Debian 12 of its own, made of the packages that this machine's apt knows, and in the way that it gets them."""

import re
import subprocess


def command(*argv, **kwargs):
    """Its output; fails with all that it said."""
    done = subprocess.run([str(a) for a in argv], text=True, capture_output=True, check=False, **kwargs)
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def make_debian(target, folder, *options):
    """mmdebstrap to `target`, a folder or an archive; `folder` is for its files. Needs root."""
    apt = folder / "apt.conf"
    apt.write_text("\n".join(line for line in command("apt-config", "dump").splitlines()
                             if re.match("Acquire::(https?|ftp)::", line)))
    sources = command("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)",
                      "Created-By: Packages").splitlines()
    mirror = next(line.split()[0] for line in sources if line.endswith(" bookworm main"))
    # As in the images that Debian makes for containers: what is thrown away need not be safe on the disk.
    command("mmdebstrap", "--mode=root", f"--aptopt={apt}", "--dpkgopt=force-unsafe-io", *options, "bookworm", target,
            mirror)
