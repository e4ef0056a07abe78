"""What ends a connection once its time has passed."""

import logging

from wsendpoints.protocol.deadline import Deadline


def test_reason_names_the_limit_and_its_time() -> None:
    """As short as the seconds can be written."""
    assert Deadline("max_age", 3600.0, 1012, logging.DEBUG).reason == "max_age: 3600 s"
    assert Deadline("idle_timeout", 0.25, 1001, logging.INFO).reason == "idle_timeout: 0.25 s"
