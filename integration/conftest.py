"""
The fixtures: each starts what a test asks for and takes it away afterwards, runnel first (its clean end is part of
every test), then its brokers.
"""

import pathlib
import resource
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.certs import Authority  # noqa: E402
from harness.mosquitto import Mosquitto  # noqa: E402
from harness.ports import ports_of_a_test  # noqa: E402
from harness.redis_server import RedisServer  # noqa: E402
from harness.relay import Relay  # noqa: E402
from harness.runnel import Runnel  # noqa: E402
from harness.scripted import Scripted  # noqa: E402
from harness.started import started  # noqa: E402
from harness.subscriber import Subscriber  # noqa: E402


def pytest_configure():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup runnel would leave it ignored, as that asks


@pytest.fixture(autouse=True)
def ports():
    """First to come, last to go: when it ends, the test's servers are gone."""
    with ports_of_a_test():
        yield


@pytest.fixture
def new_redis(tmp_path):
    """new_redis(**): a Redis server, not yet started."""
    yield from started(RedisServer, tmp_path)


@pytest.fixture
def new_mosquitto(tmp_path):
    """new_mosquitto(**): a mosquitto, not yet started."""
    yield from started(Mosquitto, tmp_path)


@pytest.fixture
def redis_server(new_redis):
    return new_redis().start()


@pytest.fixture
def mosquitto(new_mosquitto):
    return new_mosquitto().start()


@pytest.fixture
def scripted():
    """scripted(script): a server that misbehaves."""
    yield from started(Scripted)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture(params=["memory", "redis"])
def replay(request):
    """The `replay` section of both logs; the Redis one on a server of its own."""
    if request.param == "memory":
        return {"store": "memory"}
    server = request.getfixturevalue("new_redis")().start()
    return {"store": "redis"} | server.broker()


@pytest.fixture
def new_runnel(tmp_path, new_redis, new_mosquitto, scripted):
    """new_runnel(**sections): a runnel, not yet started. Ends before its brokers do: hence the other fixtures."""
    yield from started(Runnel, tmp_path)


@pytest.fixture
def new_relay():
    """new_relay(port): carries a port of its own to that one."""
    yield from started(Relay)


@pytest.fixture
def subscribe():
    """subscribe(runnel, *channels, **): a Subscriber that runs."""
    yield from started(lambda *args, **kwargs: Subscriber(*args, **kwargs).start())


@pytest.fixture
def streams():
    """A list for RawStreams; they are closed after the test."""
    opened = []
    yield opened
    for stream in opened:
        stream.close()
