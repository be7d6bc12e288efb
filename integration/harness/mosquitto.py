"""A private mosquitto broker, and publishing to it."""

import ssl
import subprocess

import paho.mqtt.client as paho

from .ports import free_port
from .process import Process
from .waiting import PATIENCE, wait_for


class Mosquitto(Process):
    def __init__(self, folder, user="", password="", is_persistent=False, tls=None):
        """`tls`: an Authority."""
        self.port = free_port()
        self.user, self.password, self.tls = user, password, tls
        self._folder = folder / f"mosquitto-{self.port}"
        self._folder.mkdir()
        config = self._folder / "mosquitto.conf"
        config.write_text("\n".join(self._lines(is_persistent)) + "\n")
        super().__init__(["/usr/sbin/mosquitto", "-c", config], folder / f"mosquitto-{self.port}.log")

    def _lines(self, is_persistent):
        yield "user root"  # as whoever runs the tests: the folder is theirs
        yield f"listener {self.port} 127.0.0.1"
        yield "max_queued_messages 0"
        yield "max_inflight_messages 0"
        yield "allow_zero_length_clientid true"
        yield "set_tcp_nodelay true"
        yield "log_type all"
        if is_persistent:
            yield "persistence true"
            yield "autosave_interval 1"
            yield "autosave_on_changes true"
            yield f"persistence_location {self._folder}/"
        if self.user:
            words = self._folder / "passwords"
            subprocess.run(["mosquitto_passwd", "-b", "-c", words, self.user, self.password], check=True)
            yield f"password_file {words}"
            yield "allow_anonymous false"
        else:
            yield "allow_anonymous true"
        if self.tls:
            cert, key = self.tls.issue(f"mosquitto-{self.port}")
            yield f"cafile {self.tls.cert}"
            yield f"certfile {cert}"
            yield f"keyfile {key}"

    def start(self):
        super().start()
        wait_for(self._answers, lambda: "mosquitto to answer\n" + self.log())
        return self

    def _answers(self):
        assert self.is_running(), self.log()
        try:
            self.publisher().close()
            return True
        except OSError:
            return False

    def await_acknowledged(self, client_id):
        """It has a PUBACK for each QoS 1 message that it sent there."""
        def is_acknowledged():
            log = self.log()
            return log.count(f"Received PUBACK from {client_id} ") == log.count(f"Sending PUBLISH to {client_id} ")

        wait_for(is_acknowledged, lambda: f"PUBACKs of {client_id}\n{self.log()}")

    def saved(self):
        """When it last wrote its state to disk, by time.time(); 0: never."""
        path = self._folder / "mosquitto.db"
        return path.stat().st_mtime if path.exists() else 0

    def publisher(self, client_id=""):
        return MqttPublisher(self, client_id)

    def source(self, **more):
        scheme = "mqtts" if self.tls else "mqtt"
        keys = {"type": "mqtt", "url": f"{scheme}://127.0.0.1:{self.port}", "retry_max": "500ms"}
        keys |= {"username": self.user, "password": self.password} if self.user else {}
        keys |= {"ca_file": str(self.tls.cert)} if self.tls else {}
        return keys | more

    def publish(self, topic, payload, qos=1, retain=False):
        """One message over a connection of its own; back when the broker has it."""
        with self.publisher() as publisher:
            publisher.publish(topic, payload, qos, retain)


def await_published(handle):
    """paho's own wait says nothing where it was in vain."""
    handle.wait_for_publish(PATIENCE)
    assert handle.is_published(), "the broker did not take the message"


class MqttPublisher:
    """A connection that publishes. publish() returns when the broker has the message (QoS 0: when it is sent)."""

    def __init__(self, broker, client_id=""):
        self._client = paho.Client(client_id=client_id, clean_session=True)
        self._client.max_inflight_messages_set(1000)
        self._client.max_queued_messages_set(0)
        if broker.user:
            self._client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            self._client.tls_set(str(broker.tls.cert), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def publish(self, topic, payload, qos=1, retain=False):
        await_published(self.send(topic, payload, qos, retain))

    def send(self, topic, payload, qos=1, retain=False):
        """Does not wait; returns paho's handle."""
        handle = self._client.publish(topic, payload, qos, retain)
        assert handle.rc == paho.MQTT_ERR_SUCCESS, paho.error_string(handle.rc)
        return handle

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
