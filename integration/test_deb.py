"""The Debian package that cpack makes: what is in it, what Debian's own checker says, and that it installs and runs."""

import pathlib
import re
import shutil

import pytest

from harness.debian import command, make_debian
from harness.runnel import BINARY, ROOT, run_command

BUILD = pathlib.Path(BINARY).resolve().parents[2]
FILES = {
    "./etc/runnel/runnel.yaml": "-rw-r--r--",
    "./usr/bin/runnel": "-rwxr-xr-x",
    "./usr/lib/systemd/system/runnel.service": "-rw-r--r--",
    "./usr/share/doc/runnel/changelog.gz": "-rw-r--r--",
    "./usr/share/doc/runnel/copyright": "-rw-r--r--",
    "./usr/share/doc/runnel/example.yaml": "-rw-r--r--",
    "./usr/share/doc/runnel/reference.md": "-rw-r--r--",
    "./usr/share/doc/runnel/runnel.schema.json": "-rw-r--r--",
    "./usr/share/man/man1/runnel.1.gz": "-rw-r--r--",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    command("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", folder)
    [path] = folder.glob("*.deb")
    return path


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    command("dpkg-deb", "--raw-extract", package, folder)
    return folder


def version():
    return run_command("--version").stdout.removeprefix("runnel ").strip()


def test_what_is_in_it(package):
    lines = [line.split() for line in command("dpkg-deb", "--contents", package).splitlines()]
    assert {line[5]: line[0] for line in lines if not line[5].endswith("/")} == FILES
    assert {line[1] for line in lines} == {"root/root"}
    assert {line[0] for line in lines if line[5].endswith("/")} == {"drwxr-xr-x"}


def test_what_it_says_of_itself(package):
    def field(name):
        return command("dpkg-deb", "--field", package, name).strip()

    assert (field("Package"), field("Version")) == ("runnel", version())
    libraries = {name.split()[0] for name in field("Depends").split(", ")}
    assert {"libc6", "libevent-2.1-7", "libhiredis0.14", "libmosquitto1", "libssl3", "libyaml-0-2"} <= libraries


def test_one_version_everywhere(unpacked):
    docs = unpacked / "usr/share"
    changelog = command("gzip", "-dc", docs / "doc/runnel/changelog.gz")
    assert re.match(r"runnel \((.*?)\)", changelog)[1] == version()
    assert f'"runnel {version()}"' in command("gzip", "-dc", docs / "man/man1/runnel.1.gz").splitlines()[0]


def test_the_config_is_the_administrators(unpacked):
    assert (unpacked / "DEBIAN/conffiles").read_text() == "/etc/runnel/runnel.yaml\n"
    assert command(BINARY, "check", "-c", unpacked / "etc/runnel/runnel.yaml").endswith("ok, 1 source, 1 route\n")


def test_the_page_of_the_manual_names_every_command(unpacked):
    page = command("gzip", "-dc", unpacked / "usr/share/man/man1/runnel.1.gz").replace("\\-", "-")
    commands = re.findall(r"^  runnel (\w+)", run_command("--help").stdout, re.MULTILINE)
    assert commands
    for name in commands:
        assert re.search(rf"^\.B runnel {name}\b", page, re.MULTILINE), name
        assert f"\n.TP\n.B {name}\n" in page, name


def test_debian_has_nothing_to_say_against_it(package):
    command("lintian", "--allow-root", "--fail-on", "error,warning", package)


def install(component, prefix, root="/"):
    return command("env", f"DESTDIR={root}", "cmake", "--install", BUILD, "--component", component, "--prefix", prefix)


def test_the_program_alone_goes_anywhere(tmp_path):
    install("program", tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        path.removeprefix("./usr/") for path in FILES if path.startswith("./usr/") and "systemd" not in path}
    assert command(tmp_path / "bin/runnel", "--version") == run_command("--version").stdout


def test_the_service_runs_the_program_where_it_is_and_leaves_a_config_alone(tmp_path):
    install("service", "/opt/runnel", tmp_path)
    unit = (tmp_path / "opt/runnel/lib/systemd/system/runnel.service").read_text()
    assert "ExecStart=/opt/runnel/bin/runnel serve -c /etc/runnel/runnel.yaml\n" in unit and "/usr/bin" not in unit
    config = tmp_path / "etc/runnel/runnel.yaml"
    assert config.read_text() == (ROOT / "deploy/deb/runnel.yaml").read_text()
    config.write_text("# mine\n")
    assert "Left as it is" in install("service", "/opt/runnel", tmp_path)
    assert config.read_text() == "# mine\n"


@pytest.fixture
def machine(package, tmp_path):
    """The root of a bare Debian on which the package was installed."""
    root = tmp_path / "root"
    make_debian(root, tmp_path, "--variant=apt", f"--customize-hook=copy-in {package} /tmp",
                f'--customize-hook=chroot "$1" apt-get install -y --no-install-recommends /tmp/{package.name}')
    yield root
    shutil.rmtree(root)


# In a network and a tree of processes of its own: the package's config has fixed ports.
IN_CHROOT = """
ip link set lo up && mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && cd /
chroot "$1" /usr/bin/runnel serve -c /etc/runnel/runnel.yaml & daemon=$!
curl -sS --retry 100 --retry-connrefused --retry-delay 1 http://127.0.0.1:8081/readyz &&
curl -sS -d hello http://127.0.0.1:8081/publish/demo &&
curl -sSN --max-time 60 'http://127.0.0.1:8080/events/demo?since=earliest' | grep -m1 '^data: hello' &&
kill -TERM $daemon && wait $daemon && echo ended
"""


@pytest.mark.image
@pytest.mark.slow
def test_a_bare_debian_installs_it_runs_it_and_forgets_it(machine):
    assert (machine / "etc/systemd/system/multi-user.target.wants/runnel.service").is_symlink()
    unit = (machine / "usr/lib/systemd/system/runnel.service").read_text()
    for program in re.findall(r"^Exec\w+=(\S+)", unit, re.MULTILINE):
        assert (machine / program.lstrip("/")).exists(), program
    words = command("unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child",
                    "bash", "-c", IN_CHROOT, "in_chroot", machine)
    assert words.splitlines()[-2:] == ["data: hello", "ended"]
    command("chroot", machine, "dpkg", "--purge", "runnel")
    left = [path for path in machine.rglob("*runnel*") if "tmp" not in path.relative_to(machine).parts]
    assert left == []
