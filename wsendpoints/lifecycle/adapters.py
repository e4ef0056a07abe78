"""What a class is compiled with: how the methods of each kind become handlers."""

from typing import Final

from wsendpoints.lifecycle.asking import answered
from wsendpoints.lifecycle.calling import calling, exchange
from wsendpoints.lifecycle.concurrency import concurrent
from wsendpoints.lifecycle.correlating import correlating
from wsendpoints.lifecycle.providing import providing
from wsendpoints.lifecycle.replies import awaiting_or_streaming
from wsendpoints.lifecycle.streaming import streaming
from wsendpoints.lifecycle.threads import blocking
from wsendpoints.messages.declaration import Adapters

__all__ = ["ADAPTERS"]

ADAPTERS: Final = Adapters(
    stream=streaming,
    either=awaiting_or_streaming,
    blocking=blocking,
    providing=providing,
    correlating=correlating,
    concurrent=concurrent,
    answered=answered,
    calling=calling,
    exchange=exchange,
)
