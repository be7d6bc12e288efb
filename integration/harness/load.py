"""Numbered messages, one after the other, for as long as a test lets them come."""

import threading


class Load:
    """
    `publish(text)` is called from a thread of its own with "0", "1", ... and raises where the message was not taken.
    """

    def __init__(self, publish):
        self.sent = []
        self._publish = publish
        self._error = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            while not self._is_over.is_set():
                text = str(len(self.sent))
                self._publish(text)
                self.sent.append(text)
        except Exception as error:  # pylint: disable=broad-except
            self._error = error

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        """What was sent."""
        self._is_over.set()
        self._thread.join()
        if self._error:
            raise self._error
        return self.sent

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()
