"""Numbered events to an MQTT topic and a Redis Stream, at a steady rate."""

import json
import threading
import time

from harness.waiting import PATIENCE


class Publisher:
    """In turn to MQTT and to the stream, in rounds of all channels, so that all sequences have the same length."""

    def __init__(self, broker, redis_server, channels, rate):
        self.published = 0
        self._rounds = 0
        self._channels = channels
        self._rate = rate
        self._mqtt = broker.publisher()
        self._redis = redis_server.client()
        self._stop = threading.Event()
        self._problem = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def _run(self):
        try:
            begin = time.monotonic()
            while not self._stop.is_set():
                self._rounds += 1
                for channel in range(self._channels):
                    self._publish(channel)
                    self.published += 2
                    time.sleep(max(0, begin + self.published / self._rate - time.monotonic()))
        except Exception as error:  # pylint: disable=broad-except
            self._problem = error

    def _publish(self, channel):
        event = {"c": str(channel), "n": str(self._rounds), "t": str(time.monotonic_ns())}
        self._sent = self._mqtt.send(f"plant/{channel}", json.dumps(event, separators=(",", ":")))
        self._redis.xadd("orders", event)

    def finish(self):
        """Ends with the round; the number of the last event of each channel, once the brokers have them all."""
        self._stop.set()
        self._thread.join()
        if self._problem:
            raise self._problem
        self._sent.wait_for_publish(PATIENCE)
        return self._rounds

    def close(self):
        self._stop.set()
        self._thread.join()
        self._mqtt.close()
        self._redis.close()
