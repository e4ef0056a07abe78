"""What an AsyncAPI document of ours says of each channel, as values to compare and to test by."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from wsendpoints.contract.json_schemas import Schema, entries_of
from wsendpoints.protocol.exceptions import ConfigurationError

__all__ = ["Asked", "Channel", "Content", "Payload", "Served", "read_document"]

Content: TypeAlias = Literal["value", "text", "binary"]
"""What a message is: a value in the encoding of the endpoint, or a frame as it is."""

Asked: TypeAlias = tuple[Literal["query", "header", "cookie"], str]
"""Where a parameter is, and what it is called; headers in lower case."""

_RECORDS: Final = ("x-params", "x-result", "x-item")
"""Where a record of an unknown dialect has what is in it."""

_TOLD: Final = frozenset({"authorization", "sec-websocket-protocol"})

_IN_PATH: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Payload:
    """A message of a channel.

    Attributes:
        name: What it is called there.
        content: What it is.
        schema: Its schema.
        correlation: Where it has the id that an answer repeats; `None` for nowhere.
        is_known: Whether the schema is that of the whole message, and not of what is in it.
    """

    name: str
    content: Content
    schema: Schema
    correlation: str | None
    is_known: bool


@dataclass(frozen=True, slots=True)
class Served:
    """What a server does: it takes messages and replies, or sends some, to which it has answers.

    Attributes:
        name: That of the operation.
        is_sent: Whether the server begins.
        messages: What it begins with.
        replies: What the other side says to that.
        marks: The other entries of the operation, such as `x-stream`.
    """

    name: str
    is_sent: bool
    messages: Sequence[Payload]
    replies: Sequence[Payload]
    marks: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Channel:
    """An endpoint.

    Attributes:
        name: Its key.
        address: Its path.
        served: What the server does there.
        path: The schemas of the parameters of the path, in order.
        asked: The schemas of the parameters elsewhere in the handshake, by place and name.
        required: Those of them that have to be there.
        encodings: How messages are written without a subprotocol, `None`, and with each.
        limits: What one connection may take.
        codes: The close codes, each with the limits that lead to it.
        security: The schemes of which one tells who a client is.
        refusals: The status codes that a handshake is refused with.
        tag: The field that tells messages apart; `None` if there is none.
        is_open: Whether it may send what it does not declare.
        components: What schemas refer to, by name.
    """

    name: str
    address: str
    served: Sequence[Served]
    path: Mapping[str, Schema]
    asked: Mapping[Asked, Schema]
    required: Collection[Asked]
    encodings: Mapping[str | None, Mapping[str, str]]
    limits: Mapping[str, Any]
    codes: Mapping[int, Sequence[str]]
    security: Sequence[Mapping[str, Any]]
    refusals: Sequence[int]
    tag: str | None
    is_open: bool
    components: Mapping[str, Schema]

    @property
    def received(self) -> Sequence[Payload]:
        """What clients send: what is taken, and answers."""
        return [it for one in self.served for it in (one.replies if one.is_sent else one.messages)]

    @property
    def sent(self) -> Sequence[Payload]:
        """What clients get: replies, and what is sent without being asked."""
        return [it for one in self.served for it in (one.messages if one.is_sent else one.replies)]

    @property
    def place(self) -> str:
        """The path, whatever its parameters are called."""
        return _IN_PATH.sub("{}", self.address)


def read_document(document: Any, where: str) -> list[Channel]:
    """Return the channels of a document that `asyncapi` has written, of a server.

    Args:
        document: The document, as JSON has it.
        where: Where it is from, for the text of an error.

    Raises:
        ConfigurationError: It is no such document.
    """
    try:
        return [_channel(document, key, found) for key, found in dict(document["channels"]).items()]
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise ConfigurationError(
            f"{where} is no document that `wsendpoints asyncapi` has written: {exc!r}"
        ) from None


def _channel(document: Mapping[str, Any], key: str, found: Mapping[str, Any]) -> Channel:
    operations = {
        name: it
        for name, it in document["operations"].items()
        if it["channel"]["$ref"] == f"#/channels/{key}"
    }
    messages = {name: _payload(name, it) for name, it in found["messages"].items()}
    binding: Mapping[str, Any] = found["bindings"]["ws"]
    asked: dict[Asked, Schema] = {}
    required: list[Asked] = []
    _add_asked(asked, required, "query", binding.get("query", {}))
    _add_asked(asked, required, "header", binding.get("headers", {}))
    _add_asked(asked, required, "cookie", found.get("x-cookies", {}))
    encodings: dict[str | None, Mapping[str, str]] = {**found.get("x-subprotocols", {})}
    if "x-encoding" in found:
        encodings[None] = found["x-encoding"]
    parameters: Mapping[str, Any] = found.get("parameters", {})
    components: Mapping[str, Any] = document["components"]
    return Channel(
        name=key,
        address=found["address"],
        served=[_served(name, it, messages) for name, it in operations.items()],
        path={
            name: parameters.get(name, {}).get("x-schema", {"type": "string"})
            for name in _IN_PATH.findall(found["address"])
        },
        asked=asked,
        required=required,
        encodings=encodings,
        limits=found["x-limits"],
        codes={int(code): it["limits"] for code, it in found["x-close-codes"].items()},
        security=[*_schemes(operations, components.get("securitySchemes", {}))],
        refusals=[int(status) for status in found["x-refusals"]],
        tag=found.get("x-tag"),
        is_open=bool(found.get("x-sends-more")),
        components=components["schemas"],
    )


def _add_asked(
    asked: dict[Asked, Schema],
    required: list[Asked],
    place: Literal["query", "header", "cookie"],
    found: Mapping[str, Any],
) -> None:
    properties: Mapping[str, Schema] = found.get("properties", {})
    names = {it: it.lower() if place == "header" else it for it in properties}
    # What has these headers is told elsewhere: the encodings, and the credentials.
    keys: dict[str, Asked] = {it: (place, name) for it, name in names.items() if name not in _TOLD}
    asked |= {key: properties[it] for it, key in keys.items()}
    required += [keys[it] for it in found.get("required", ()) if it in keys]


def _payload(name: str, message: Mapping[str, Any]) -> Payload:
    content: Content = "value"
    if message["contentType"] == "text/plain":
        content = "text"
    elif message["contentType"] == "application/octet-stream":
        content = "binary"
    schema: Schema = message["payload"]
    inner = next((entries_of(schema)[it] for it in _RECORDS if it in entries_of(schema)), None)
    if inner is not None:
        # No more is known of the record than what is in it: the name tells it from others.
        schema = {
            "type": "object",
            "properties": {"record": {"const": message["name"]}, "payload": inner},
            "required": ["record", "payload"],
        }
    location: Mapping[str, str] = message.get("correlationId", {})
    return Payload(name, content, schema, location.get("location"), inner is None)


def _served(name: str, operation: Mapping[str, Any], messages: Mapping[str, Payload]) -> Served:
    reply: Mapping[str, Any] = operation.get("reply", {"messages": ()})
    return Served(
        name,
        operation["action"] == "send",
        [messages[it["$ref"].rpartition("/")[2]] for it in operation["messages"]],
        [messages[it["$ref"].rpartition("/")[2]] for it in reply["messages"]],
        {key: it for key, it in operation.items() if key.startswith("x-")},
    )


def _schemes(
    operations: Mapping[str, Any], schemes: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    names = [it["$ref"] for one in operations.values() for it in one.get("security", ())]
    for name in dict.fromkeys(names):
        scheme: Mapping[str, Any] = schemes[name.rpartition("/")[2]]
        yield {key: it for key, it in scheme.items() if key != "description"}
