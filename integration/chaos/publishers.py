"""Publishers that number every message, and keep what they know of each."""

import http.client
import threading
import time
from dataclasses import dataclass

import paho.mqtt.client as paho
import redis

# What a publisher knows of a message.
CONFIRMED = "confirmed"  # its receiver has said that it has it
MAYBE = "maybe"          # the connection broke, or it was refused, before that
NOBODY = "nobody"        # Redis says that nobody was subscribed

PENDING_MAX = 300
HTTP_TIMEOUT_S = 5


@dataclass
class Message:
    source: str
    channel: str
    number: int    # within the source and the channel, from 1
    begin: float   # time.time()
    end: float = 0.0
    state: str = MAYBE

    @property
    def key(self):
        return (self.source, self.channel, self.number)

    def payload(self, padding=0):
        return f"{self.source} {self.channel} {self.number} {'x' * padding}"


def key_of(payload):
    source, channel, number, _ = payload.split(" ", 3)
    return (source, channel, int(number))


class Publisher:
    """A thread. `weights`: channel -> how often it is chosen; `rate`: messages a second, in small bursts."""

    source = ""

    def __init__(self, weights, rate, random):
        self.messages = []  # Message, in the order of their publication
        self.problems = []
        self._weights = weights
        self._rate = rate
        self._random = random
        self._numbers = dict.fromkeys(weights, 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        """No further message by itself; finish() may still publish."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), f"the publisher of {self.source} hangs"

    def _new(self, channel):
        self._numbers[channel] += 1
        message = Message(self.source, channel, self._numbers[channel], time.time())
        self.messages.append(message)
        return message

    def _run(self):
        try:
            due = time.monotonic()
            while not self._stop.is_set():
                burst = self._random.choice([1, 1, 1, 2, 5, 20])
                due = max(due + burst / self._rate, time.monotonic() - 1)
                names, weights = zip(*self._weights.items())
                for channel in self._random.choices(names, weights, k=burst):
                    self._publish(channel, self._random.choice([0, 0, 20, 200, 2000]))
                self._idle(max(0, due - time.monotonic()))
        except Exception as error:  # pylint: disable=broad-except
            self.problems.append(repr(error))

    def _idle(self, seconds):
        self._stop.wait(seconds)

    def _publish(self, channel, padding):
        raise NotImplementedError

    def finish(self, patience=60):
        """After stop(): one confirmed message on every channel, behind everything else. Their keys."""
        keys = []
        end = time.monotonic() + patience
        for channel in self._weights:
            while not self._publish_last(channel):
                assert time.monotonic() < end, f"{self.source}: no last message on {channel} is confirmed"
                time.sleep(0.05)
            keys.append(self.messages[-1].key)
        return keys

    def _publish_last(self, channel):
        self._publish(channel, 0)
        return self.messages[-1].state == CONFIRMED

    def close(self):
        pass


class RedisPublisher(Publisher):
    """One command a message; _send() says what is known of it then."""

    def __init__(self, server, **kwargs):
        super().__init__(**kwargs)
        self._client = redis.Redis("127.0.0.1", server.port, socket_timeout=30)

    def _publish(self, channel, padding):
        message = self._new(channel)
        try:
            message.state = self._send(channel, message.payload(padding))
        except (redis.ConnectionError, redis.TimeoutError):
            self._idle(0.02)
        message.end = time.time()

    def _send(self, channel, payload):
        raise NotImplementedError

    def close(self):
        self._client.close()


class PubsubPublisher(RedisPublisher):
    source = "shop"

    def _send(self, channel, payload):
        return CONFIRMED if self._client.publish(f"shop.{channel}", payload) else NOBODY


class StreamPublisher(RedisPublisher):
    """An application's own Redis Streams, one a channel."""

    source = "queue"

    def _send(self, channel, payload):
        self._client.xadd(f"queue.{channel}", {"payload": payload})
        return CONFIRMED


class MqttPublisher(Publisher):
    """Never sends a message twice: what was not acknowledged when its connection broke may or may not arrive."""

    source = "plant"

    def __init__(self, broker, **kwargs):
        super().__init__(**kwargs)
        self._port = broker.port
        self._client = None
        self._pending = {}

    def _on_publish(self, _client, _userdata, mid):
        message = self._pending.pop(mid, None)
        if message is not None:
            message.state, message.end = CONFIRMED, time.time()

    def _connected(self):
        """A client with a connection; None where there is none to be had."""
        if self._client is None:
            client = paho.Client(clean_session=True)
            client.max_inflight_messages_set(0)
            client.on_publish = self._on_publish
            try:
                client.connect("127.0.0.1", self._port)
            except OSError:
                return None
            self._client = client
        return self._client

    def _lose(self):
        self._client = None
        self._pending.clear()

    def _turn(self, seconds):
        client = self._connected()
        if client is None or client.loop(seconds) != paho.MQTT_ERR_SUCCESS:
            self._lose()
            self._stop.wait(0.02)

    def _idle(self, seconds):
        until = time.monotonic() + seconds
        self._turn(0.001)
        while time.monotonic() < until and not self._stop.is_set():
            self._turn(min(0.01, max(0, until - time.monotonic())))

    def _publish(self, channel, padding):
        while len(self._pending) > PENDING_MAX and not self._stop.is_set():
            self._turn(0.01)
        client = self._connected()
        if client is None or not client.is_connected():
            self._turn(0.01)
            return
        message = self._new(channel)
        handle = client.publish(f"plant/{channel}", message.payload(padding), qos=1)
        self._pending[handle.mid] = message

    def _publish_last(self, channel):
        before = len(self.messages)
        self._publish(channel, 0)
        end = time.monotonic() + 5
        while self._pending and time.monotonic() < end:
            self._turn(0.01)
        return len(self.messages) > before and self.messages[-1].state == CONFIRMED


class HttpPublisher(Publisher):
    source = "hooks"

    def __init__(self, runnel, **kwargs):
        super().__init__(**kwargs)
        self._runnel = runnel

    def _publish(self, channel, padding):
        message = self._new(channel)
        connection = http.client.HTTPConnection("127.0.0.1", self._runnel.admin_port, timeout=HTTP_TIMEOUT_S)
        try:
            connection.request("POST", f"/publish/{channel}", message.payload(padding),
                               {"Authorization": "Bearer secret"})
            status = connection.getresponse().status
            if status == 200:
                message.state = CONFIRMED
            elif status != 503:
                self.problems.append(f"status {status}")
        except (OSError, http.client.HTTPException):
            self._idle(0.02)
        finally:
            connection.close()
        message.end = time.time()
