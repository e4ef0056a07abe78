"""Which messages are sent, in which order: the same for the same seed, whatever is answered."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias, final
from urllib.parse import quote, urlencode

from wsendpoints.contract.json_schemas import Schema
from wsendpoints.contract.reading import Channel, Payload, Served
from wsendpoints.fuzzing.hostile import Frame, hostile
from wsendpoints.fuzzing.mutations import mutated
from wsendpoints.fuzzing.values import NoValueError, Values

__all__ = ["ROUND", "Handshake", "Kind", "Plan", "Sent"]

Kind: TypeAlias = Literal["valid", "nearly valid", "hostile"]

ROUND: Final = 25
"""How many messages in a row go to one endpoint, by one connection if it is not closed."""

_PART_OF_VALID: Final = 0.8
_PART_OF_UNCHANGED: Final = 0.6
"""How many messages are made of a valid one, and how many of these are left as they are."""

_NOT_SENT: Final = re.compile(r"[^!#-+\--:<-~]+")
"""What a value of a cookie may not have (RFC 6265, section 4.1.1), and headers do without."""

_WRITTEN: Final = frozenset({"json", "msgpack"})
"""The encodings in which values can be written here; of others only frames are sent."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """How a connection is opened.

    Attributes:
        channel: The endpoint.
        path: Its path, with the query.
        headers: The headers that are read there, cookies among them.
        subprotocol: What the client offers; `None` for nothing.
        encoding: How messages are written then.
    """

    channel: Channel
    path: str
    headers: Mapping[str, str]
    subprotocol: str | None
    encoding: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A message.

    Attributes:
        number: Which one it is, from 0.
        kind: What kind of message it is.
        frame: The frame.
        is_answered: Whether the endpoint declares to answer it.
    """

    number: int
    kind: Kind
    frame: Frame
    is_answered: bool


@final
class Plan:
    """Makes each message by its number.

    Args:
        channels: The endpoints, at least one.
        seed: What the messages are made of.
    """

    def __init__(self, channels: Sequence[Channel], seed: int) -> None:
        self._channels = channels
        self._seed = seed

    def handshake(self, number: int) -> Handshake:
        """Return how the connection is opened that a message is sent by."""
        round_ = number // ROUND
        channel = self._channels[round_ % len(self._channels)]
        chance = self._chance(f"handshake {round_}")
        subprotocol = chance.choice(sorted(channel.encodings, key=str))
        encoding = channel.encodings[subprotocol]["encoding"]
        asked = [
            (*asked, _parameter(channel, schema, chance))
            for asked, schema in channel.asked.items()
            if asked in channel.required or chance.randrange(2)
        ]
        query, headers, cookies = (
            [(name, value) for place, name, value in asked if place == it]
            for it in ("query", "header", "cookie")
        )
        path = _path(channel, chance)
        if query:
            path = f"{path}?{urlencode(query, doseq=True)}"
        return Handshake(channel, path, _headers(headers, cookies), subprotocol, encoding)

    def message(self, number: int) -> Sent:
        """Return a message."""
        chance = self._chance(f"message {number}")
        handshake = self.handshake(number)
        channel, encoding = handshake.channel, handshake.encoding
        known = [
            (payload, _answers(served))
            for served in channel.served
            for payload in (served.replies if served.is_sent else served.messages)
            if payload.is_known and (payload.content != "value" or encoding in _WRITTEN)
        ]
        if known and chance.random() < _PART_OF_VALID:
            payload, is_answered = chance.choice(known)
            try:
                value = Values(channel.components, chance).make(payload.schema)
            except NoValueError:
                pass
            else:
                if chance.random() < _PART_OF_UNCHANGED:
                    frame = _frame(payload, value, encoding)
                    return Sent(number, "valid", frame, is_answered)
                frame = _frame(payload, mutated(value, chance, channel.tag), encoding)
                return Sent(number, "nearly valid", frame, is_answered=False)
        limit = channel.limits.get("max_message_size")
        return Sent(number, "hostile", hostile(chance, limit), is_answered=False)

    def _chance(self, what: str) -> random.Random:
        # What nobody could guess is of no use here.
        return random.Random(f"{self._seed} {what}")  # noqa: S311 - no secret


def _answers(served: Served) -> bool:
    """Whether a message that leads there is always answered."""
    may_be_silent = served.marks.get("x-may-be-silent") or served.marks.get("x-stream")
    return bool(served.replies) and not served.is_sent and not may_be_silent


def _path(channel: Channel, chance: random.Random) -> str:
    path = channel.address
    for name, schema in channel.path.items():
        value = _parameter(channel, schema, chance)
        path = path.replace(f"{{{name}}}", quote(f"{value}", safe=""))
    return path


def _headers(
    headers: Sequence[tuple[str, Any]], cookies: Sequence[tuple[str, Any]]
) -> Mapping[str, str]:
    found = {name: _sendable(value) for name, value in headers}
    if cookies:
        found["cookie"] = "; ".join(f"{name}={_sendable(value)}" for name, value in cookies)
    return found


def _sendable(value: Any) -> str:
    """Return what a header may have of a value: of several, the first alone."""
    text = f"{value[0] if isinstance(value, list) and value else value}"
    return _NOT_SENT.sub("", text)


def _parameter(channel: Channel, schema: Schema, chance: random.Random) -> Any:
    if schema == {"type": "string"}:
        # Digits are a text too, and what a path takes that has `{name:int}`.
        return chance.randrange(1000)
    try:
        return Values(channel.components, chance).make(schema)
    except NoValueError:
        return ""


def _frame(payload: Payload, value: Any, encoding: str) -> Frame:
    if payload.content == "value":
        if encoding == "msgpack":
            try:
                packed: bytes = import_module("msgpack").packb(value)
            except OverflowError:
                # It has no such integer: this byte it does not have either.
                return b"\xc1"
            return packed
        return json.dumps(value, ensure_ascii=False)
    text = value if isinstance(value, str) else json.dumps(value)
    return text if payload.content == "text" else text.encode()
