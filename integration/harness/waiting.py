"""Waiting for a condition, never for a time."""

import os
import time

# Seconds; bounds a failing test, says nothing about speed.
PATIENCE = float(os.environ.get("RUNNEL_TEST_PATIENCE", "60"))


def wait_for(condition, what, patience=PATIENCE):
    """Returns the first true value of `condition()`; fails with `what` (a text or a function) after `patience`."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain: " + (what() if callable(what) else what))
        time.sleep(0.01)
