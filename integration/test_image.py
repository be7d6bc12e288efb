"""
deploy/Dockerfile, built for real from this machine's packages, and what comes of it: small, alone with its libraries,
and at work against real brokers with a root that cannot be written.
"""

import os
import pathlib
import subprocess

import pytest

from harness.image import Image, RunnelByBuildah, RunnelInImage, command
from harness.runnel import ROOT, run_command
from harness.started import started

pytestmark = [pytest.mark.image, pytest.mark.slow]

SIZE_MAX = 12_000_000  # bytes on disk; deploy/README.md says "10 MB"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    made = Image(folder)
    yield made
    made.end()


@pytest.fixture
def new_in_image(image, tmp_path, new_redis, new_mosquitto):
    """new_in_image(kind, **sections): not yet started. Ends before its brokers do."""
    yield from started(lambda kind, **sections: kind(image, tmp_path, **sections))


def files(image):
    """Paths in the image of all that is no folder."""
    return [path.relative_to(image.root) for path in image.root.rglob("*") if path.is_symlink() or path.is_file()]


def is_program(path):
    return path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o111 != 0


def test_it_is_small_and_holds_nothing_to_run_but_runnel(image):
    size = sum((image.root / path).lstat().st_size for path in files(image))
    assert size < SIZE_MAX, f"{size} bytes"
    can_run = {str(path) for path in files(image) if ".so" not in path.name and is_program(image.root / path)}
    assert can_run == {"usr/bin/runnel"}


def test_it_says_how_it_is_run(image):
    words = image.about["config"]
    user, group = words["User"].split(":")
    assert int(user) > 0 and int(group) > 0, "a number, and not root's"
    assert words["Entrypoint"] == ["/usr/bin/runnel"]
    assert words["Cmd"] == ["serve", "-c", "/etc/runnel/runnel.yaml"]
    assert words["Healthcheck"]["Test"] == ["CMD", "/usr/bin/runnel", "health"]
    assert set(words["ExposedPorts"]) == {"8080/tcp", "8081/tcp"}


def test_scanners_find_the_packages_of_its_libraries(image):
    """As in other images without a package manager: a record of each below status.d."""
    records = {path.name: path.read_text() for path in (image.root / "var/lib/dpkg/status.d").iterdir()}
    assert {"libc6", "libssl3", "libmosquitto1", "libevent-2.1-7", "libhiredis0.14", "ca-certificates"} <= set(records)
    for name, record in records.items():
        assert f"Package: {name}\n" in record and "\nVersion: " in record
        assert (image.root / "usr/share/doc" / name / "copyright").stat().st_size > 0
    assert "VERSION_CODENAME=bookworm" in (image.root / "etc/os-release").read_text()


def test_commands_run_in_it(image):
    version = run_command("--version").stdout
    assert command(*image.run("/usr/bin/runnel", "--version")) == version
    checked = command(*image.run("/usr/bin/runnel", "check", "-c", "/etc/runnel/runnel.yaml"))
    assert checked == "/etc/runnel/runnel.yaml: ok, 1 source, 1 route\n"
    assert (image.root / "etc/runnel/runnel.yaml").read_text() == (ROOT / "config/container.yaml").read_text()


def test_no_shell(image):
    for shell in ("/bin/sh", "/bin/bash", "/usr/bin/sh"):
        tried = subprocess.run(image.run(shell, "-c", "true"), capture_output=True, check=False)
        assert tried.returncode != 0


@pytest.mark.parametrize("kind", [RunnelByBuildah, RunnelInImage])
def test_events_of_real_brokers(new_in_image, kind, redis_server, new_mosquitto, authority, subscribe):
    broker = new_mosquitto(tls=authority).start()
    runnel = new_in_image(
        kind, replay={"store": "redis"} | redis_server.broker(),
        sources={"shop": redis_server.source(),
                 "plant": broker.source(client_id="image", ca_file="/etc/runnel/ca.pem")},
        routes=[{"source": "shop", "topic": "orders.{shop}", "channel": "orders/{shop}"},
                {"source": "plant", "topic": "plant/{line}", "channel": "lines/{line}"}])
    (runnel.folder / "ca.pem").write_bytes(authority.cert.read_bytes())
    runnel.start()
    stream = subscribe(runnel, "orders/north", "lines/7").await_live()
    redis_server.publish("orders.north", "paid")
    stream.await_messages(1)
    broker.publish("plant/7", "181.5")
    assert stream.await_messages(2) == [("message", "paid"), ("message", "181.5")]


def test_it_runs_without_privileges_on_a_root_that_cannot_be_written(new_in_image):
    runnel = new_in_image(RunnelInImage).start()
    process = pathlib.Path(f"/proc/{runnel.pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    assert status["Uid"].split() == ["65532"] * 4 and status["Gid"].split() == ["65532"] * 4
    assert status["Groups"].strip() in ("", "65532")
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0 and status["NoNewPrivs"] == "1"
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    assert [options.split(",")[0] for _, _, _, _, target, options, *_ in mounts if target == "/"] == ["ro"]


def test_its_health_check(image, new_in_image, new_redis):
    """Its own words, with the port of this test: healthy also while a broker is away."""
    log = new_redis().start()
    runnel = new_in_image(RunnelByBuildah, replay={"store": "redis"} | log.broker()).start()
    words = [*image.about["config"]["Healthcheck"]["Test"][1:], f"http://127.0.0.1:{runnel.admin_port}/healthz"]
    assert command(*image.run(*words)) == "ok\n"
    log.stop()
    runnel.await_down("replay log")
    assert command(*image.run(*words)) == "ok\n"
    runnel.stop()
    assert subprocess.run(image.run(*words), capture_output=True, check=False).returncode != 0


def test_certificates_that_the_system_trusts(image):
    """Where OpenSSL looks for them; every link leads to a file of the image."""
    folder = image.root / "usr/lib/ssl"
    assert os.readlink(folder / "certs") == "/etc/ssl/certs"
    trusted = list((image.root / "etc/ssl/certs").glob("*.0"))
    assert len(trusted) > 50
    for link in trusted:
        pem = image.root / "etc/ssl/certs" / os.readlink(link)
        assert "BEGIN CERTIFICATE" in (image.root / os.readlink(pem).lstrip("/")).read_text()
